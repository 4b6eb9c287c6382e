/** Re-issue at its edges: pages, commits whose answer is lost, licences that change under way, and records that are not as they should be. */
import { sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../shared/canonical/strict-json.ts';
import { importVerificationKey } from '../../../shared/client/verify.ts';
import { verifyLicense } from '../../../shared/client/verify-license.ts';
import { MAINTENANCE_PARALLEL } from '../../../shared/constants.ts';
import { aegis } from '../../../shared/formats/aegis.ts';
import { caioV2 } from '../../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../../shared/formats/dtlic2.ts';
import { decodeIssued, ISSUED_FORMATS } from '../../../shared/formats/issued.ts';
import {
  CommitInterruptedError,
  type DocumentStore,
  type Fields,
} from '../../../shared/ports/document-store.ts';
import type { Signer } from '../../../shared/ports/signer.ts';
import {
  countDocuments,
  type Reissued,
  type ReissueOptions,
  reissue,
} from '../../../shared/usecases/reissue.ts';
import { formatInstant } from '../../../shared/wire/document.ts';
import { openFailingStore } from '../../support/failing-store.ts';
import {
  aegisPayload,
  caioPayload,
  dtlic2Terms,
  EXPIRES_AT,
  granted,
  LICENSE_ID,
  seal,
} from '../../support/issued-licenses.ts';
import { openMemoryStore } from '../../support/memory-store.ts';
import { DAY, NOW } from '../../support/records.ts';
import { ED, keys, newKeyPair, RSA, signatureOf, testKey } from '../../support/signed-documents.ts';

const FROM = keys[ED].kid;
const fresh = { ...testKey(ED, await newKeyPair[ED]()), kid: 'fresh' };
const trusted = [await importVerificationKey({ ...fresh.jwk, kid: 'fresh' })];

/** Counts what it signs; from the signature `failsAt` on its KMS is away, for so many `failures`. */
function countingSigner({ failsAt = Number.POSITIVE_INFINITY, failures = Number.POSITIVE_INFINITY } = {}) {
  let failed = 0;
  const signer = {
    kid: fresh.kid,
    algorithm: ED,
    signatures: 0,
    sign: async (message: Uint8Array) => {
      if (signer.signatures >= failsAt && failed < failures) {
        failed += 1;
        throw new Error('the KMS is away');
      }
      signer.signatures += 1;
      return { kid: fresh.kid, algorithm: ED, bytes: sign(null, message, fresh.private) };
    },
  } satisfies Signer & { signatures: number };
  return signer;
}

const random = { bytes: (length: number) => new Uint8Array(length) };

/** A clock that stands still but for its pauses. */
function testClock() {
  let now = NOW;
  return {
    now: () => Math.ceil(now),
    pause: async (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

const TEXTS = {
  aegis: () => seal(aegis, aegisPayload()),
  'caio-v2': () => seal(caioV2, caioPayload({ expires_at: formatInstant(EXPIRES_AT) })),
  dtlic2: () => seal(dtlic2, dtlic2Terms({ expires_at: formatInstant(EXPIRES_AT) })),
} as const;

const documentFields = (fields: Fields = {}): Fields => ({
  license_id: LICENSE_ID,
  customer_id: 'customer-1',
  format: 'aegis',
  kid: FROM,
  text: TEXTS.aegis(),
  issued_at: NOW - DAY,
  replaces: null,
  ...fields,
});

const pathOf = (place: number, format = 'aegis', kid = FROM) =>
  `licenses/${String(place).padStart(6, '0')}/documents/${format}_${kid}`;

async function add(
  store: DocumentStore,
  place: number,
  license: Fields | null,
  document: Fields = {},
): Promise<void> {
  // The walk begins with the newest: with place 0.
  const fields = documentFields({ issued_at: NOW - DAY - place, ...document });
  await store.commit([
    { op: 'set', path: pathOf(place, String(fields.format)), fields },
    ...(license === null
      ? []
      : [
          {
            op: 'set' as const,
            path: `licenses/${String(place).padStart(6, '0')}`,
            fields: { ...granted.aegis, ...license },
          },
        ]),
  ]);
}

async function storeOf(count: number): Promise<DocumentStore> {
  const store = openMemoryStore();
  for (let place = 0; place < count; place += 1) await add(store, place, {});
  return store;
}

async function run(store: DocumentStore, more: Partial<ReissueOptions> = {}, clock = testClock()) {
  const told: Reissued[] = [];
  const options = { from: FROM, signer: countingSigner(), isDryRun: false, rate: 10_000, ...more };
  const work = reissue(
    { store, clock, random },
    { ...options, onReissued: (reissued) => void told.push(reissued) },
  );
  return { told, work };
}

async function reissued(store: DocumentStore, more: Partial<ReissueOptions> = {}): Promise<Reissued[]> {
  const { told, work } = await run(store, more);
  await work;
  return told;
}

const outcomes = (told: readonly Reissued[]) => told.map(({ outcome, reason }) => reason ?? outcome);

describe('each document of the old key', () => {
  test.each([0, 1, 99, 100, 101, 200, 201])('of %d is met once, in its order', async (count) => {
    const store = await storeOf(count);
    const signer = countingSigner();
    const told = await reissued(store, { signer });
    expect(outcomes(told)).toEqual(Array.from({ length: count }, () => 'signed'));
    expect(new Set(told.map((each) => each.new)).size).toBe(count);
    expect([signer.signatures, await countDocuments({ store }, 'fresh')]).toEqual([count, count]);
    expect(await countDocuments({ store }, FROM)).toBe(count);
    expect(outcomes(await reissued(store, { signer }))).toEqual(told.map(() => 'signed_before'));
    expect(signer.signatures).toBe(count);
  });

  test.each(['aegis', 'caio-v2', 'dtlic2'] as const)(
    'keeps its content in %s, but for key and time',
    async (name) => {
      const store = openMemoryStore();
      const license = granted[name];
      const fields = { format: name, text: TEXTS[name](), customer_id: license.customer_id };
      await add(store, 0, license, fields);
      const [one] = await reissued(store);
      expect(one?.new).toEqual({
        ...documentFields(fields),
        kid: 'fresh',
        text: expect.any(String),
        issued_at: NOW,
        replaces: FROM,
      });
      const verified = await verifyLicense(one?.new?.text ?? '', { keys: trusted, now: NOW });
      const { license: before } = ISSUED_FORMATS[name].decode(fields.text);
      const issued = { issuedAt: expect.any(Number), claims: expect.any(Object) };
      expect(verified).toEqual({ valid: true, kid: 'fresh', license: { ...before, ...issued } });
      const [old, now] = [before.claims, verified.valid && verified.license.claims].map(withoutKeyAndTime);
      expect(now).toEqual(old);
      const [stored] = await store.get([pathOf(0, name)]);
      expect(stored?.fields).toEqual(documentFields(fields));
    },
  );
});

const OTHER_HOLDER = { name: 'Eve', email: 'eve@example.com' };

const withoutKeyAndTime = (claims: JsonObject | false) =>
  typeof claims === 'object' && { ...claims, iat: 0, issued_at: 0, kid: 0 };

describe('what is not signed is said, with its reason', () => {
  test.each<[reason: string, license: Fields | null, document?: Fields]>([
    ['license_not_found', null],
    ['license_revoked', { status: 'revoked' }],
    ['license_suspended', { status: 'suspended' }],
    ['license_expired', { expires_at: NOW }],
    ['license_unverified', { unverified: true }],
    ['record_damaged', { seats: 'many' }],
    ['format_not_issued', {}, { format: 'caio-v1', text: 'CAIO-x' }],
    ['malformed_document', {}, { text: 'no licence' }],
    ['malformed_document', {}, { text: TEXTS.dtlic2() }],
    ['malformed_document', {}, { text: seal(aegis, aegisPayload()).replace(/\.[^.]+\./, '.e30.') }],
    ['license_transferred', { customer: { id: 'customer-2', name: 'Ada' } }],
    ['license_transferred', { holder: OTHER_HOLDER }, { format: 'dtlic2', text: TEXTS.dtlic2() }],
    ['format_cannot_hold', { allowed_major_versions: null }],
    ['format_cannot_hold', { expiry_strategy: 'maintain' }],
    [
      'format_cannot_hold',
      {},
      { format: 'caio-v2', text: seal(caioV2, caioPayload({ customer_id: 'customer-1' })) },
    ],
    ['algorithm_mismatch', { ...granted['caio-v2'], signing_algorithm: RSA }, { format: 'caio-v2' }],
  ])('%s', async (reason, license, document) => {
    const store = await storeOf(1);
    await add(store, 1, license, document);
    const signer = countingSigner();
    for (const isDryRun of [true, false]) {
      const told = await reissued(store, { signer, isDryRun });
      expect(outcomes(told)).toEqual([isDryRun ? 'would_sign' : 'signed', reason]);
      expect(told[1]).toMatchObject({ outcome: 'skipped', new: null, old: { text: expect.any(String) } });
    }
    expect(signer.signatures).toBe(1);
  });

  test('a format or a licence that has not the algorithm of the new key', async () => {
    const store = await storeOf(1);
    await add(store, 1, granted.dtlic2, { format: 'dtlic2', text: TEXTS.dtlic2() });
    await add(store, 2, granted['caio-v2'], { format: 'caio-v2', text: TEXTS['caio-v2']() });
    const rsa = { ...granted['caio-v2'], signing_algorithm: RSA };
    await add(store, 3, rsa, { format: 'caio-v2', text: seal(caioV2, caioPayload(), RSA) });
    const { kid } = keys[RSA];
    const signer: Signer = {
      kid,
      algorithm: RSA,
      sign: async (message) => ({ kid, algorithm: RSA, bytes: signatureOf(RSA, message) }),
    };
    const other = 'algorithm_mismatch';
    expect(outcomes(await reissued(store, { signer }))).toEqual([other, other, other, 'signed']);
  });
});

/** The end of a licence that was renewed. */
const RENEWED = 2_000_000_000_000;
const renewedText = () => seal(aegis, aegisPayload({ exp: RENEWED / 1000 }));

test('of a licence that was renewed under the old key, the newest document is signed anew', async () => {
  const store = openMemoryStore();
  await add(store, 0, { expires_at: RENEWED });
  const renewed = renewedText();
  const fields = documentFields({ text: renewed, issued_at: NOW });
  await store.commit([{ op: 'set', path: `${pathOf(0)}_abc`, fields }]);
  const signer = countingSigner();
  const told = await reissued(store, { signer });
  expect([outcomes(told), signer.signatures]).toEqual([['signed', 'superseded'], 1]);
  expect(decodeIssued(told[0]?.new?.text ?? '')?.license.expiresAt).toBe(RENEWED);
});

describe('a licence that changes after it was read, and before its document is stored,', () => {
  /** Changes the licence of place 0 when the first document is about to be stored. */
  function changing(store: DocumentStore, fields: Fields): DocumentStore {
    let isChanged = false;
    return {
      ...store,
      async commit(writes) {
        if (!isChanged) {
          isChanged = true;
          await store.commit([{ op: 'update', path: 'licenses/000000', fields }]);
        }
        return store.commit(writes);
      },
    };
  }

  test.each([
    ['license_transferred', { customer: { id: 'customer-2', name: 'Eve' }, customer_id: 'customer-2' }],
    ['license_revoked', { status: 'revoked' }],
  ])('is told as %s, and no document of before is stored', async (reason, change) => {
    const store = await storeOf(1);
    const [one] = await reissued(changing(store, change));
    expect(one).toMatchObject({ outcome: 'skipped', reason, new: null, customerId: 'customer-1' });
    expect(await countDocuments({ store }, 'fresh')).toBe(0);
  });

  test('is signed as it is then, once', async () => {
    const store = await storeOf(2);
    const told = await reissued(changing(store, { expires_at: RENEWED }));
    expect(outcomes(told)).toEqual(['signed', 'signed']);
    const ends = told.map((each) => decodeIssued(each.new?.text ?? '')?.license.expiresAt);
    expect(ends).toEqual([RENEWED, EXPIRES_AT]);
    expect(await countDocuments({ store }, 'fresh')).toBe(2);
  });

  test('is left as it is but for the document', async () => {
    const store = await storeOf(1);
    const [before] = await store.get(['licenses/000000']);
    await reissued(store);
    expect(await store.get(['licenses/000000'])).toEqual([before]);
  });
});

describe('a document of the new key', () => {
  const before = (issuedAt: number): Fields =>
    documentFields({
      kid: 'fresh',
      text: seal(aegis, aegisPayload({ exp: 1_900_000_000 })),
      issued_at: issuedAt,
    });

  test('that is older than what the old key has signed since does not count, and stays', async () => {
    const store = openMemoryStore();
    await add(store, 0, { expires_at: RENEWED }, { issued_at: NOW - 1, text: renewedText() });
    const older = before(NOW - 2);
    await store.commit([{ op: 'set', path: pathOf(0, 'aegis', 'fresh'), fields: older }]);
    const signer = countingSigner();
    const [first] = await reissued(store, { signer });
    expect(decodeIssued(first?.new?.text ?? '')?.license.expiresAt).toBe(RENEWED);
    const [second] = await reissued(store, { signer });
    expect(second).toEqual({ ...first, outcome: 'signed_before' });
    expect([signer.signatures, await countDocuments({ store }, 'fresh')]).toEqual([1, 2]);
    const [stored] = await store.get([pathOf(0, 'aegis', 'fresh')]);
    expect(stored?.fields).toEqual(older);
  });

  test('that is older counts as little when it says the same', async () => {
    const store = openMemoryStore();
    await add(store, 0, { expires_at: RENEWED }, { issued_at: NOW - 1, text: renewedText() });
    const older = documentFields({ kid: 'fresh', text: renewedText(), issued_at: NOW - 2 });
    await store.commit([{ op: 'set', path: pathOf(0, 'aegis', 'fresh'), fields: older }]);
    expect(outcomes(await reissued(store))).toEqual(['signed']);
  });

  test('that cannot be read as one does not count', async () => {
    const store = await storeOf(1);
    const broken = documentFields({ kid: 'fresh', text: 'no licence', issued_at: NOW });
    await store.commit([{ op: 'set', path: pathOf(0, 'aegis', 'fresh'), fields: broken }]);
    const [one] = await reissued(store);
    expect(one).toMatchObject({ outcome: 'signed', new: { issued_at: NOW + 1 } });
  });

  test('is the newer one, also where the clock that the old one was issued by was fast', async () => {
    const store = await storeOf(1);
    await add(store, 0, {}, { issued_at: NOW + DAY });
    const [first] = await reissued(store);
    expect(first?.new?.issued_at).toBe(NOW + DAY + 1);
    const [second] = await reissued(store);
    expect(second?.outcome).toBe('signed_before');
  });
});

describe('a record that is damaged', () => {
  test('keeps none of the others from being signed, and is reported at the end', async () => {
    const store = await storeOf(150);
    await store.commit([{ op: 'update', path: pathOf(3), fields: { text: 7 } }]);
    const { told, work } = await run(store);
    await expect(work).rejects.toMatchObject({
      code: 'store_unavailable',
      cause: { message: expect.stringContaining(pathOf(3)) },
    });
    expect(outcomes(told)).toEqual(Array.from({ length: 149 }, () => 'signed'));
  });

  test('where the new document belongs is not written over', async () => {
    const store = await storeOf(2);
    const damaged = documentFields({ kid: 'fresh', format: 'unknown' });
    await store.commit([{ op: 'set', path: pathOf(0, 'aegis', 'fresh'), fields: damaged }]);
    expect(outcomes(await reissued(store))).toEqual(['record_damaged', 'signed']);
    const [stored] = await store.get([pathOf(0, 'aegis', 'fresh')]);
    expect(stored?.fields).toEqual(damaged);
  });
});

describe('commits', () => {
  test('that happened and were not confirmed cost no second signature', async () => {
    const store = await storeOf(101);
    const signer = countingSigner();
    const told = await reissued(openFailingStore(store, { interruptEvery: 3 }), { signer });
    expect(outcomes(told)).toEqual(Array.from({ length: 101 }, () => 'signed'));
    expect([signer.signatures, await countDocuments({ store }, 'fresh')]).toEqual([101, 101]);
  });

  test('that did not happen are sent again, and given up in the end', async () => {
    const store = await storeOf(1);
    const clock = testClock();
    const { interrupting, lost } = losing(store, 4);
    const { told, work } = await run(interrupting, {}, clock);
    await work;
    expect([outcomes(told), lost()]).toEqual([['signed'], 4]);
    expect(clock.now()).toBeGreaterThan(NOW);

    const hopeless = await run(losing(await storeOf(1), 1000).interrupting);
    await expect(hopeless.work).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('that somebody else was faster with give the document of that one', async () => {
    const store = await storeOf(20);
    const [one, other] = await Promise.all([reissued(store), reissued(store)]);
    expect(one.map((each) => each.new)).toEqual(other.map((each) => each.new));
    expect(await countDocuments({ store }, 'fresh')).toBe(20);
  });
});

test('a document that vanishes while the walk is on is not met, and does not stop it', async () => {
  const store = await storeOf(201);
  const told = await reissued({
    ...store,
    query: async (query) => {
      const page = await store.query(query);
      if (query.startAfter === undefined) await store.commit([{ op: 'delete', path: pathOf(150) }]);
      return page;
    },
  });
  expect(outcomes(told)).toEqual(Array.from({ length: 200 }, () => 'signed'));
});

test('after one failure of the KMS nothing new is begun, and the next run signs the rest', async () => {
  const store = await storeOf(200);
  const signer = countingSigner({ failsAt: 120, failures: 1 });
  const { told, work } = await run(store, { signer });
  await expect(work).rejects.toThrow('the KMS is away');
  // What was under way is stored when the failure is told, and was told before.
  const signed = await countDocuments({ store }, 'fresh');
  expect([signed, told.length]).toEqual([signer.signatures, signer.signatures]);
  expect(signed).toBeLessThan(120 + MAINTENANCE_PARALLEL);
  const again = countingSigner();
  const rest = await reissued(store, { signer: again });
  expect([rest.length, again.signatures]).toEqual([200, 200 - signed]);
});

test('a dry run asks for no signature and writes nothing', async () => {
  const store = await storeOf(101);
  const readOnly = { ...store, commit: () => Promise.reject(new Error('a dry run writes')) };
  const told = await reissued(readOnly, { signer: countingSigner({ failsAt: 0 }), isDryRun: true });
  expect(outcomes(told)).toEqual(Array.from({ length: 101 }, () => 'would_sign'));
});

/** A store whose first `times` commits are lost, and not confirmed either. */
function losing(store: DocumentStore, times: number) {
  let lost = 0;
  const commit: DocumentStore['commit'] = async (writes) => {
    if (lost >= times) return store.commit(writes);
    lost += 1;
    throw new CommitInterruptedError();
  };
  return { interrupting: { ...store, commit }, lost: () => lost };
}
