/** What a change of keys does when another one comes between its steps: nothing is lost, least of all a compromise. */
import { describe, expect, test } from 'vitest';
import { verifyManifest } from '../../../shared/client/manifest.ts';
import { importVerificationKey } from '../../../shared/client/verify.ts';
import type { KeyCommand } from '../../../shared/decide/key-change.ts';
import { isSigningKey, type RegisteredKey, type SigningKey } from '../../../shared/keys/registry.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import type { KeyRecord } from '../../../shared/ports/key-directory.ts';
import type { KeyList } from '../../../shared/ports/key-list.ts';
import type { CertificateAuthority } from '../../../shared/ports/root-key.ts';
import { planKeyChange } from '../../../shared/usecases/change-keys.ts';
import { type Publisher, publishKeys, readManifest } from '../../../shared/usecases/publish-keys.ts';
import { openMemoryStore } from '../../support/memory-store.ts';
import { DAY, NOW } from '../../support/records.ts';
import { ED, keys as pair, signatureOf } from '../../support/signed-documents.ts';

const key = (kid: string, state: SigningKey['state']): SigningKey => ({
  use: 'license',
  name: `name-${kid}`,
  algorithm: ED,
  state,
  fingerprint: kid,
});

const LIST = [key('a', 'active'), key('b', 'staged')];
const retire: KeyCommand = { action: 'retire', kid: 'b' };
const compromise: KeyCommand = { action: 'compromise', kid: 'a', successor: 'b' };
const stage: KeyCommand = {
  action: 'stage',
  key: { use: 'license', name: 'name-c', algorithm: ED, fingerprint: 'c' },
};

type Step = 'read' | 'write' | 'publish';

/** An operator's desk; `between` happens once, when the step `at` is about to be taken for the time `time`. */
interface Desk {
  readonly at?: Step;
  readonly time?: number;
  readonly between?: () => Promise<unknown>;
  readonly certificates?: CertificateAuthority;
}

function desk(more: Desk = {}) {
  const store = openMemoryStore();
  let rows: readonly RegisteredKey[] = LIST;
  const taken: Step[] = [];
  const step = async (name: Step) => {
    taken.push(name);
    const isTime = name === more.at && taken.filter((each) => each === name).length === (more.time ?? 1);
    if (isTime) await more.between?.();
  };
  const list: KeyList = {
    read: async () => {
      await step('read');
      return rows;
    },
    write: async (next) => {
      await step('write');
      rows = next;
    },
  };
  const { kid } = pair[ED];
  const sign = async (message: Uint8Array) =>
    ({ kid, algorithm: ED, bytes: signatureOf(ED, message) }) as const;
  const publisher: Publisher = {
    ports: {
      store,
      clock: { now: () => NOW, pause: async () => undefined },
      random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
    },
    list,
    root: async () => {
      await step('publish');
      return { signer: { kid, algorithm: ED, sign }, pem: '', certificates: more.certificates };
    },
    records: async (keys) =>
      // Without their public keys, which nothing here verifies with.
      keys.filter(isSigningKey).map(({ fingerprint = '', state }) => {
        const isOver = state === 'compromised' || state === 'retired';
        const jwk = isOver ? {} : { pem: '', jwk: { kty: 'OKP', crv: 'Ed25519', x: pair[ED].jwk.x } };
        return { kid: fingerprint, algorithm: ED, state, ...jwk } as KeyRecord;
      }),
    issuer: 'countersign',
    lifetimeSeconds: DAY / 1000,
    actor: 'ada',
  };
  return { publisher, store, taken, rows: () => rows };
}

/** Somebody else's command, from its beginning to its end. */
async function carryOut(publisher: Publisher, command: KeyCommand): Promise<void> {
  await (await planKeyChange(publisher, command))?.carryOut();
}

const statesOf = (rows: readonly RegisteredKey[]) =>
  Object.fromEntries(rows.filter(isSigningKey).map(({ fingerprint, state }) => [fingerprint, state]));

async function publishedStates({ ports }: Publisher) {
  const { token = '' } = (await readManifest(ports)) ?? {};
  const result = await verifyManifest(token, { root: await importVerificationKey(pair[ED].jwk), now: NOW });
  return result.valid && Object.fromEntries(result.keys.map(({ kid, state = 'active' }) => [kid, state]));
}

const COMPROMISED = { a: 'compromised', b: 'active' };

describe('a compromise that comes between', () => {
  test.each<[when: string, at: Step, time: number]>([
    ['the question and the answer', 'read', 2],
    ['that and the publication', 'publish', 1],
    ['the publication and the list', 'read', 3],
  ])('%s of another change stands, in the list and in the manifest', async (_, at, time) => {
    const { publisher, rows, taken } = desk({ at, time, between: () => carryOut(publisher, compromise) });
    const plan = await planKeyChange(publisher, stage);
    await expect(plan?.carryOut()).rejects.toThrow(
      'Somebody else has changed the list of keys meanwhile. Give the command again.',
    );
    expect(taken.filter((step) => step === 'write')).toEqual(['write']);
    expect(statesOf(rows())).toEqual(COMPROMISED);
    expect(await publishedStates(publisher)).toEqual(COMPROMISED);
    await carryOut(publisher, stage);
    expect(await publishedStates(publisher)).toEqual({ ...COMPROMISED, c: 'staged' });
    expect(statesOf(rows())).toEqual({ ...COMPROMISED, c: 'staged' });
  });
});

test('a change that comes between the list and the manifest of a compromise is published too', async () => {
  const { publisher, rows } = desk({ at: 'publish', time: 1, between: () => carryOut(publisher, stage) });
  await carryOut(publisher, compromise);
  expect(statesOf(rows())).toEqual({ ...COMPROMISED, c: 'staged' });
  expect(await publishedStates(publisher)).toEqual(statesOf(rows()));
});

test('the manifest comes before the list, and after a compromise the list comes before the manifest', async () => {
  const ordinary = desk();
  await carryOut(ordinary.publisher, retire);
  expect(ordinary.taken.filter((step) => step !== 'read')).toEqual(['publish', 'write']);
  const urgent = desk();
  await carryOut(urgent.publisher, compromise);
  expect(urgent.taken.filter((step) => step !== 'read')).toEqual(['write', 'publish']);
});

test('a publication of the list, as by a scheduled job, does not undo a compromise that comes between', async () => {
  const { publisher, rows } = desk({ at: 'publish', between: () => carryOut(publisher, compromise) });
  const { version } = await publishKeys(publisher);
  expect(statesOf(rows())).toEqual(COMPROMISED);
  expect(await publishedStates(publisher)).toEqual(COMPROMISED);
  expect((await readManifest(publisher.ports))?.version).toBe(version);
});

test('a compromise does not wait for a store that is away, and is in the list whatever becomes of it', async () => {
  const { publisher, rows } = desk();
  const away = async (): Promise<never> => {
    throw new Error('the store is away');
  };
  const { ports } = publisher;
  const cut = { ...publisher, ports: { ...ports, store: { ...ports.store, aggregate: away, get: away } } };
  const plan = await planKeyChange(cut, compromise);
  await expect(plan?.carryOut()).rejects.toThrow('Instances refuse the key from now on');
  expect(statesOf(rows())).toEqual(COMPROMISED);
});

describe('a certificate that the KMS of the root does not sign', () => {
  const fail = async (): Promise<never> => {
    throw new OperatorError('the root is away');
  };
  const certificates = { kid: pair[ED].kid, rootCertificate: fail, keyCertificate: fail };

  test('stops a change before anything is published or listed', async () => {
    const { publisher, rows } = desk({ certificates });
    await expect(carryOut(publisher, stage)).rejects.toThrow('the root is away');
    expect(rows()).toEqual(LIST);
    expect(await readManifest(publisher.ports)).toBeUndefined();
  });

  test('stops neither a compromise nor a renewal, and is a sentence', async () => {
    const { publisher, rows } = desk({ certificates });
    const sentence = (version: number) =>
      `Version ${version} of the manifest is published, but a certificate that is due could not be made. Try again: countersign keys publish`;
    await expect(carryOut(publisher, compromise)).rejects.toThrow(sentence(1));
    expect(statesOf(rows())).toEqual(COMPROMISED);
    expect(await publishedStates(publisher)).toEqual(COMPROMISED);
    await expect(publishKeys(publisher)).rejects.toThrow(sentence(2));
    expect((await readManifest(publisher.ports))?.version).toBe(2);
  });
});

test('a list of which no fingerprint can be read any more is the same list', async () => {
  const { publisher, rows } = desk();
  let reads = 0;
  const forgetful: KeyList = {
    ...publisher.list,
    read: async () => {
      reads += 1;
      const listed = await publisher.list.read();
      return reads === 1
        ? listed
        : listed.map((row) => ({ ...row, fingerprint: undefined }) as RegisteredKey);
    },
  };
  await carryOut({ ...publisher, list: forgetful }, stage);
  expect(reads).toBeGreaterThan(1);
  expect(statesOf(rows())).toEqual({ a: 'active', b: 'staged', c: 'staged' });
});
