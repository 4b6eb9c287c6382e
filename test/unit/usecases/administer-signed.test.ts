/** Signing comes after the decision, outside the turn and before the commit. */
import { expect, test } from 'vitest';
import { createInstanceMemory } from '../../../infra/memory.ts';
import type { Caller } from '../../../shared/access/caller.ts';
import { MAX_REQUEST_SECONDS, MAX_SIGNING_ROUNDS } from '../../../shared/constants.ts';
import { CountersignError } from '../../../shared/errors.ts';
import { dtlic2 } from '../../../shared/formats/dtlic2.ts';
import { ConflictError, type DocumentStore } from '../../../shared/ports/document-store.ts';
import type { KeyDirectory } from '../../../shared/ports/key-directory.ts';
import type { Ports } from '../../../shared/ports/ports.ts';
import type { DocumentRecord } from '../../../shared/records/document.ts';
import type { LicenseRecord } from '../../../shared/records/license.ts';
import { administer } from '../../../shared/usecases/administer.ts';
import { administerSigned } from '../../../shared/usecases/administer-signed.ts';
import { documentAct, documentWrite, rendered } from '../../../shared/usecases/document-writes.ts';
import type { Signing } from '../../../shared/usecases/signing.ts';
import { openMemoryStore } from '../../support/memory-store.ts';
import { licenseRecord, NOW } from '../../support/records.ts';

const CALLER: Caller = {
  actor: 'key:test',
  scopes: new Set(),
  customerId: null,
  source: null,
  requestId: 'request-1',
};
const REQUEST = { caller: CALLER, operation: 'things.sign', idempotencyKey: undefined, body: {} };
const HOLDER = { name: 'Ada', email: 'ada@example.com' };
const KID = 'k'.repeat(43);

/** A KMS that a test can keep waiting. */
function stage(store: DocumentStore = openMemoryStore()) {
  let now = NOW;
  let counter = 0;
  let asked = 0;
  let beforeSigning = async () => {};
  const keys: KeyDirectory = {
    async sign(algorithm, makeMessage) {
      asked += 1;
      makeMessage({ kid: KID, algorithm });
      await beforeSigning();
      return { kid: KID, algorithm, bytes: new Uint8Array(64) };
    },
    async find(kid) {
      asked += 1;
      return { kid, algorithm: 'EC_SIGN_ED25519', state: 'compromised' };
    },
    list: async () => [],
    macKeys: () => [],
  };
  const ports: Ports = {
    store,
    keys,
    clock: { now: () => now, pause: async () => undefined },
    random: { bytes: (length: number) => new Uint8Array(length).fill(++counter) },
    hasher: { hash: (domain: string, text: string) => `${domain}:${text}` },
    memory: createInstanceMemory(),
  };
  return {
    ports,
    asked: () => asked,
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
    whileSigning: (work: () => Promise<void>) => {
      beforeSigning = work;
    },
    stored: () => store.query({ collection: 'licenses/l/documents' }),
    events: () => store.query({ collection: 'audit', orderBy: [['seq', 'asc']] }),
  };
}

/** Puts the DTLIC2 document of the licence on record, where `documents` are already. */
function put(
  signing: Signing,
  now: number,
  license: LicenseRecord,
  documents: readonly DocumentRecord[] = [],
) {
  const said = { license, issuer: 'i', licenseKey: 'DT1-1' };
  const document = signing.document(rendered('dtlic2', said, documents, now).toSign);
  const writes = [documentWrite('l', document, documents)];
  return { answer: document, writes, act: documentAct(document) };
}

const LICENSE = licenseRecord({ holder: HOLDER });

/** Of the same licence, a document that says something else. */
const other = (n: number) => licenseRecord({ holder: { ...HOLDER, name: `Ada the ${n}th` } });

test('all that a decision lacks is signed at once', async () => {
  const { ports, whileSigning, stored } = stage();
  let [underWay, most] = [0, 0];
  whileSigning(async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise(setImmediate);
    underWay -= 1;
  });
  const { answer } = await administerSigned(ports, REQUEST, async (now, signing) => {
    const toSign = [1, 2, 3].map(
      (n) => rendered('dtlic2', { license: other(n), issuer: 'i', licenseKey: 'DT1-1' }, [], now).toSign,
    );
    const documents = signing.documents(toSign);
    const writes = documents.map((document, n) => documentWrite(n === 0 ? 'l' : `l${n}`, document, []));
    return { answer: { texts: documents.map(({ text }) => text) }, writes, act: documents.map(documentAct) };
  });
  expect([most, new Set(answer.texts).size]).toEqual([3, 3]);
  expect((await stored()).map(({ fields }) => fields.text)).toEqual([answer.texts[0]]);
});

test('other writes go on while it is signed', async () => {
  const { ports, whileSigning, events } = stage();
  whileSigning(async () => {
    const act = { action: 'things.other', target: 't', before: null, after: null };
    const writes = [{ op: 'set' as const, path: 'things/other', fields: {} }];
    await administer(ports, REQUEST, async () => ({ answer: {}, writes, act }));
  });
  await administerSigned(ports, REQUEST, async (now, signing) => put(signing, now, LICENSE));
  expect((await events()).map(({ fields }) => fields.action)).toEqual(['things.other', 'documents.issue']);
});

test('it is decided by the clock of its first attempt, and recorded by that of its commit', async () => {
  const { ports, advance, whileSigning, events } = stage();
  whileSigning(async () => advance(1500));
  const times: number[] = [];
  const { answer } = await administerSigned(ports, REQUEST, async (now, signing) => {
    times.push(now);
    return put(signing, now, LICENSE);
  });
  expect([times, answer.issued_at]).toEqual([[NOW, NOW], NOW]);
  expect((await events()).map(({ fields }) => fields.at)).toEqual([NOW + 1500]);
});

test('when the commit is lost to somebody else, a signature that says the same serves again', async () => {
  const memory = openMemoryStore();
  let lost = 0;
  const { ports, asked, stored } = stage({
    ...memory,
    commit: async (writes) => {
      if (lost++ === 0) throw new ConflictError('audit_chain/head');
      return memory.commit(writes);
    },
  });
  const given = (customer_id: string) => ({
    ...LICENSE,
    customer_id,
    customer: { id: customer_id, name: 'x' },
  });
  await administerSigned(ports, REQUEST, async (now, signing) =>
    // It has changed hands meanwhile, which a DTLIC2 document does not say.
    put(signing, now, given(lost === 0 ? 'before' : 'after')),
  );
  expect([lost, asked()]).toEqual([2, 1]);
  expect((await stored()).map(({ fields }) => fields.customer_id)).toEqual(['after']);
});

test('a signature that is no newer than what came meanwhile is made again', async () => {
  const signAt = (now: number, license: LicenseRecord, documents: () => DocumentRecord[] = () => []) => {
    const { ports, asked, advance } = stage();
    advance(now - NOW);
    return administerSigned(ports, REQUEST, async (at, signing) =>
      put(signing, at, license, asked() === 0 ? [] : documents()),
    );
  };
  const { answer: meanwhile } = await signAt(NOW + 7, other(1));
  const { answer } = await signAt(NOW, LICENSE, () => [meanwhile]);
  expect([meanwhile.issued_at, answer.issued_at]).toEqual([NOW + 7, NOW + 8]);
  expect(dtlic2.decode(answer.text).license.issuedAt).toBe(NOW + 8);
});

test('one that others always outrun gives up, and has changed nothing', async () => {
  const { ports, asked, events } = stage();
  const work = administerSigned(ports, REQUEST, async (now, signing) => put(signing, now, other(asked())));
  await expect(work).rejects.toMatchObject({ code: 'store_unavailable', retryAfterSeconds: 5 });
  expect([asked(), await events()]).toEqual([MAX_SIGNING_ROUNDS, []]);
});

test('one whose signature comes too late has changed nothing', async () => {
  const { ports, advance, whileSigning, events } = stage();
  whileSigning(async () => advance(MAX_REQUEST_SECONDS * 1000));
  const work = administerSigned(ports, REQUEST, async (now, signing) => put(signing, now, LICENSE));
  await expect(work).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(await events()).toEqual([]);
});

test('one that cannot be signed is told why, and has changed nothing', async () => {
  const { ports, whileSigning, events } = stage();
  const failure = new CountersignError('signing_unavailable', 'Try again shortly.');
  whileSigning(() => Promise.reject(failure));
  const work = administerSigned(ports, REQUEST, async (now, signing) => put(signing, now, LICENSE));
  await expect(work).rejects.toBe(failure);
  expect(await events()).toEqual([]);
});

test('whether a key signs is asked outside the turn, and once', async () => {
  const { ports, asked } = stage();
  const { answer } = await administerSigned(ports, REQUEST, async (_, signing) => ({
    answer: { isActive: [signing.isActive(KID), signing.isActive(KID)] },
    writes: [],
    act: [],
  }));
  expect([answer.isActive, asked()]).toEqual([[false, false], 1]);
});
