/**
 * Operators' writes that have something signed: the documents are in the commit of what they say, so when they cannot be
 * signed nothing has happened. Over HTTP, on both stores.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient } from '../../infra/kms/google.ts';
import type { Fault } from '../../infra/local/kms/faults.ts';
import { decodeIssued } from '../../shared/formats/issued.ts';
import type { License } from '../../shared/wire/admin-licenses.ts';
import { adminCalls } from '../support/admin-calls.ts';
import { beginStory, expectWholeChain } from '../support/audit-story.ts';
import { DAY, deskOn, freshKey, LIMITS, of, refusal, SUBSCRIPTION } from '../support/license-desk.ts';
import { startRivals } from '../support/rivals.ts';
import { type Instance, serveBeside } from '../support/serve-beside.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';
import { SIGNED_WRITE_ROWS, SIGNED_WRITES } from '../support/signed-writes.ts';
import { steadyKey } from '../support/steady-key.ts';

/** One of several signatures of a write fails with the last of them. */
const FAULTS: readonly [what: string, fault: Fault, times?: number][] = [
  ['does not answer', { kind: 'unavailable' }],
  ['refuses', { kind: 'permission_denied' }],
  ['refuses one signature', { kind: 'permission_denied' }, 1],
  ['lies', { kind: 'wrong_signature' }],
];

/** Longer than a revocation takes on a busy machine, and shorter than the 5 s that a write waits for its turn. */
const HANGING_DEADLINE_MS = 4_000;
const HANGING = { kind: 'latency', ms: 30_000 } as const;

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  /** The same service with less patience for its KMS. */
  let hasty: Instance;
  let kmsClient: ReturnType<typeof createKmsClient>;
  const desk = deskOn(() => service);
  const { issue, issued, operator } = desk;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 15_000 });
    kmsClient = createKmsClient({ endpoint: service.kms.endpoint });
    const { signingKeys: keys } = service.kms;
    const directory = createKeyDirectory({ client: kmsClient, keys, deadlineMs: HANGING_DEADLINE_MS });
    hasty = await serveBeside(service, { ports: { keys: directory } });
    await desk.openDesk();
  });
  afterEach(() => service.kms.setFault(null));
  afterAll(async () => {
    await hasty.stop();
    await kmsClient.close();
    await service.stop();
  });

  const signatures = async () => (await service.kms.stats()).signs.requested;
  const documentsOf = async (id: string) => (await operator('GET', of(id, '/documents'))).body.documents;
  const toldOf = ({ status, headers, body }: Answer) => [status, body, headers.get('etag')];
  const replayedBy = ({ headers }: Answer) => headers.get('idempotent-replayed');

  describe.each(SIGNED_WRITE_ROWS)('a write that signs: %s', (_, write) => {
    test.each(FAULTS)('does nothing while the KMS %s, and acts once after it', async (__, fault, times) => {
      for (const headers of [{}, freshKey()]) {
        const send = await write.arrange(desk);
        const before = service.dumpStore();
        await service.kms.setFault(fault, times === undefined ? {} : { times });
        expect(refusal(await send(headers))).toEqual([503, 'signing_unavailable']);
        if (times === undefined) expect(refusal(await send(headers))).toEqual([503, 'signing_unavailable']);
        expect(service.dumpStore()).toBe(before);
        await service.kms.setFault(null);
        const story = await beginStory(service);
        const done = await send(headers);
        expect([done.status, replayedBy(done)]).toEqual([write.status, null]);
        await story.expect(
          [done],
          write.told.map((action) => ({ action })),
        );
      }
    });

    test('is answered the same again, whatever became of the licence meanwhile, and without the KMS', async () => {
      const send = await write.arrange(desk);
      const headers = freshKey();
      const first = await send(headers);
      const id = first.body.id ?? first.body.license_id;
      await operator('POST', of(id, '/renew'), { duration_days: 7 });
      await operator('POST', of(id, '/transfer'), { customer_id: 'other-co' });
      await operator('POST', of(id, '/suspend'), { reason: 'unpaid' });
      await service.kms.setFault({ kind: 'unavailable' });
      const before = [service.dumpStore(), await signatures()];
      const again = await send(headers);
      expect(toldOf(again)).toEqual(toldOf(first));
      expect([replayedBy(first), replayedBy(again)]).toEqual([null, 'true']);
      expect([service.dumpStore(), await signatures()]).toEqual(before);
    });
  });

  test('none of them does anything while the KMS hangs', async () => {
    const there = adminCalls(hasty, await steadyKey(service));
    const issueThere = (wanted = {}) => there('POST', '/api/v1/licenses', { ...SUBSCRIPTION, ...wanted });
    const arranging = SIGNED_WRITE_ROWS.map(([, write]) =>
      write.arrange({ ...desk, operator: there, issue: issueThere }),
    );
    const sends = await Promise.all(arranging);
    const before = service.dumpStore();
    await service.kms.setFault(HANGING);
    const answers = await Promise.all(sends.map((send) => send()));
    expect(answers.map(refusal)).toEqual(answers.map(() => [503, 'signing_unavailable']));
    expect(service.dumpStore()).toBe(before);
  });

  test.each([
    ['suspend', { reason: 'unpaid' }],
    ['reinstate', {}],
  ])('to %s is answered the same again too, token and all', async (verb, body) => {
    const { id } = await issued();
    const headers = freshKey();
    const first = await operator('POST', of(id, `/${verb}`), body, headers);
    await operator('POST', of(id, '/renew'), { duration_days: 7 });
    const again = await operator('POST', of(id, `/${verb}`), body, headers);
    expect(toldOf(again)).toEqual(toldOf(first));
    expect(decodeIssued(first.body.token)?.license.licenseId).toBe(id);
  });

  test('a KMS that hangs keeps no revocation waiting', async () => {
    const there = adminCalls(hasty, await steadyKey(service));
    const { id } = await issued();
    const begun = await signatures();
    await service.kms.setFault(HANGING);
    let settled = 0;
    const issues = Array.from({ length: 6 }, async (_, n) => {
      const answer = await there('POST', '/api/v1/licenses', { ...SUBSCRIPTION, notes: `issue ${n}` });
      settled += 1;
      return refusal(answer);
    });
    while ((await signatures()) === begun) await new Promise((resolve) => setTimeout(resolve, 5));
    const revoked = await there('DELETE', of(id, '/revoke'), { reason: 'chargeback' });
    expect([revoked.status, settled]).toEqual([200, 0]);
    expect(await Promise.all(issues)).toEqual(Array(6).fill([503, 'signing_unavailable']));
  });

  test('what is refused asks the KMS for nothing, so it is told why while that is down', async () => {
    const { id, license_key } = await issued();
    const revoked = (await issued()).id;
    await operator('DELETE', of(revoked, '/revoke'), { reason: 'left' });
    const forever = (await issued({ license_type: 'perpetual', duration_days: undefined })).id;
    const used = freshKey();
    await operator('POST', of(id, '/renew'), { duration_days: 1 }, used);
    const before = [service.dumpStore(), await signatures()];
    await service.kms.setFault({ kind: 'unavailable' });
    const renew = (which: string, days: number, headers = {}) =>
      operator('POST', of(which, '/renew'), { duration_days: days }, headers);
    const answers = [
      await issue({ customer_id: 'nobody' }),
      await issue({ license_key }),
      await issue({ formats: ['caio-v2'] }),
      await renew(revoked, 1),
      await renew(forever, 1),
      await renew(id, 1, { 'if-match': '"0123456789abcdef0123456789abcdef"' }),
      await renew(id, 2, used),
      await operator('PATCH', of(id), { allowed_major_versions: null }),
      await operator('POST', of(id, '/transfer'), { customer_id: 'nobody' }),
      await operator('POST', of(revoked, '/documents'), { format: 'aegis' }),
      await operator('POST', of(id, '/documents'), { format: 'dtlic2', license_key: 'another' }),
    ];
    expect(answers.map(({ body }) => body.code)).toEqual([
      'customer_not_found',
      'license_key_taken',
      'invalid_request',
      'license_revoked',
      'not_renewable',
      'precondition_failed',
      'idempotency_conflict',
      'invalid_request',
      'customer_not_found',
      'license_revoked',
      'invalid_request',
    ]);
    expect([service.dumpStore(), await signatures()]).toEqual(before);
  });

  test('what no document says needs no KMS', async () => {
    const signed = (await issued()).id;
    await service.kms.setFault({ kind: 'unavailable' });
    const { id } = await issued({ formats: [] });
    const path = (more = '') => of(id, more);
    for (const [method, where, body] of [
      ['POST', path('/renew'), { duration_days: 5 }],
      ['POST', path('/transfer'), { customer_id: 'other-co' }],
      ['PATCH', path(), { allowed_major_versions: [18] }],
      ['PATCH', of(signed), { seats: 3, notes: 'said nowhere' }],
      ['POST', of(signed, '/suspend'), { reason: 'unpaid' }],
      ['POST', of(signed, '/reinstate'), {}],
      ['DELETE', of(signed, '/revoke'), { reason: 'left' }],
    ] as const)
      expect([where, (await operator(method, where, body)).status]).toEqual([where, 200]);
  });

  test.each(['one instance', 'two instances'] as const)(
    'renewals at once at %s all count, and each left the document that it says',
    async (instances) => {
      const { id, expires_at: end } = await issued();
      const story = await beginStory(service);
      const rivals = await startRivals(service, instances);
      const renew = (days: number) =>
        rivals[days % 2 === 0 ? 'one' : 'other']('POST', of(id, '/renew'), { duration_days: days });
      // All of them are decided before the first is signed.
      await service.kms.setFault({ kind: 'latency', ms: 100 });
      const answers = await Promise.all([1, 2, 4, 8, 3].map(renew)).finally(rivals.stop);
      expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200));
      const ends = (await story.events())
        .filter(({ action }) => action === 'licenses.renew')
        .map(({ after }) => (after as { expires_at: number }).expires_at);
      expect(ends.at(-1)).toBe(Date.parse(end) + 18 * DAY);
      // AEGIS has whole seconds; the list is newest first.
      const said = (await documentsOf(id)).map(
        ({ document }: { document: string }) => decodeIssued(document)?.license.expiresAt,
      );
      const seconds = [Date.parse(end), ...ends].map((each) => Math.floor(each / 1000) * 1000);
      expect(said.reverse()).toEqual(seconds);
      for (const { body } of answers)
        expect(decodeIssued(body.token)?.license.expiresAt).toBe(
          Math.floor(Date.parse(body.expires_at) / 1000) * 1000,
        );
    },
  );

  describe('a licence whose documents are behind, as before they were in the commit', () => {
    const behind = async () => {
      const { id, license_key, expires_at } = await issued({ formats: ['aegis', 'caio-v2'], limits: LIMITS });
      const end = Date.parse(expires_at) + 30 * DAY;
      await service.updateLicense(license_key, { expires_at: end });
      return { id, end: Math.floor(end / 1000) * 1000 };
    };
    const endIn = (text: string) => Math.floor((decodeIssued(text)?.license.expiresAt ?? 0) / 1000) * 1000;

    test('is read, and gets the document that is asked for', async () => {
      const { id, end } = await behind();
      expect((await operator('GET', of(id))).status).toBe(200);
      const { status, body } = await operator('POST', of(id, '/documents'), { format: 'aegis' });
      expect([status, endIn(body.document)]).toEqual([201, end]);
      expect(await documentsOf(id)).toHaveLength(3);
    });

    test('gets all of them with its next change', async () => {
      const { id, end } = await behind();
      const { body } = await operator('PATCH', of(id), { notes: 'said nowhere' });
      expect(endIn(body.token)).toBe(end);
      expect((await documentsOf(id)).map(({ document }: { document: string }) => endIn(document))).toEqual(
        expect.arrayContaining([end, end]),
      );
    });
  });

  test('an answer that was remembered without its token is given with the newest', async () => {
    const send = await SIGNED_WRITES.renewal.arrange(desk);
    const headers = freshKey();
    const first = await send(headers);
    const remembered = await service.ports.store.query({ collection: 'idempotency' });
    for (const { path, fields } of remembered) {
      const { license, ...answer } = fields.answer as { license?: Partial<License> };
      const { token: _, key_id: __, ...listed } = license ?? {};
      await service.ports.store.commit([
        { op: 'update', path, fields: { answer: { ...answer, license: listed } } },
      ]);
    }
    expect(toldOf(await send(headers))).toEqual(toldOf(first));
  });

  test('the audit trail of all that is whole', () => expectWholeChain(service.ports.store));
});
