/** Licences that were imported with a signature that nothing here could verify: no key of ours vouches for them by itself. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PublicKeyRecord } from '../../shared/ports/key-directory.ts';
import { adminCalls } from '../support/admin-calls.ts';
import { type LedgerTerms, ledgerLine, ledgerTerms } from '../support/ledger.ts';
import { deskOn, of, refusal } from '../support/license-desk.ts';
import { type Instance, serveBeside } from '../support/serve-beside.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';
import { ED, keys } from '../support/signed-documents.ts';

const IMPORT = of('import');
const LISTED = { ...keys[ED], state: 'active', issuer: 'datatools' } as PublicKeyRecord;

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  /** The same service once the key of the ledger is listed. */
  let listing: Instance;
  let headers: { 'x-api-key': string };
  const { events, openDesk, operator } = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await openDesk();
    headers = await service.admin();
    const directory = service.ports.keys;
    const find = async (kid: string) => (kid === LISTED.kid ? LISTED : directory.find(kid));
    listing = await serveBeside(service, { ports: { keys: { ...directory, find } } });
  });
  afterAll(async () => {
    await listing.stop();
    await service.stop();
  });

  const bodyOf = (terms: LedgerTerms, more = {}) => ({
    lines: [ledgerLine(terms)],
    customer_id: 'acme-gmbh',
    ...more,
  });
  const send = (terms: LedgerTerms, more = {}) => operator('POST', IMPORT, bodyOf(terms, more));
  const sendListed = (terms: LedgerTerms, more = {}) =>
    adminCalls(listing, headers)('POST', IMPORT, bodyOf(terms, more));
  const licenseOf = async ({ email }: LedgerTerms) =>
    (await operator('GET', `/api/v1/licenses?email=${encodeURIComponent(email)}`)).body.licenses[0];

  async function unverified(n: number): Promise<string> {
    const terms = ledgerTerms(n);
    expect((await send(terms)).body).toMatchObject({ added: 1, unverified: 1 });
    const license = await licenseOf(terms);
    expect(license.unverified).toBe(true);
    return license.id;
  }

  const signing: [string, (id: string) => Promise<Answer>][] = [
    ['a renewal', (id) => operator('POST', of(id, '/renew'), { duration_days: 365 })],
    ['another end', (id) => operator('PATCH', of(id), { expires_at: '2031-01-01T00:00:00Z' })],
    [
      'another holder',
      (id) =>
        operator('POST', of(id, '/transfer'), {
          customer_id: 'other-co',
          holder: { name: 'Ada', email: 'ada@example.com' },
        }),
    ],
    [
      'the same format by a key of ours',
      (id) => operator('POST', of(id, '/documents'), { format: 'dtlic2' }),
    ],
  ];
  test.each(signing)('%s is not signed, and nothing is changed', async (what, call) => {
    const id = await unverified(0x100 + what.length);
    const before = service.dumpStore();
    const answer = await call(id);
    expect(refusal(answer)).toEqual([422, 'invalid_request']);
    expect(answer.body.errors[0].detail).toContain('accept_unverified');
    expect(service.dumpStore()).toBe(before);
  });

  test('no machine is let in either, so that no session says what the licence says', async () => {
    const id = await unverified(0x200);
    for (const allowed_hardware of [null, ['m']]) {
      const answer = await operator('PATCH', of(id), { allowed_hardware });
      expect([refusal(answer), answer.body.errors[0].pointer]).toEqual([
        [422, 'invalid_request'],
        '/allowed_hardware',
      ]);
    }
    expect((await operator('PATCH', of(id), { allowed_hardware: [] })).status).toBe(200);
  });

  test('what needs no signature goes on: notes, seats, suspension, revocation', async () => {
    const id = await unverified(0x210);
    expect((await operator('PATCH', of(id), { notes: 'seen', seats: 2 })).status).toBe(200);
    expect((await operator('POST', of(id, '/suspend'), { reason: 'x' })).status).toBe(200);
    expect((await operator('DELETE', of(id, '/revoke'), { reason: 'x' })).status).toBe(200);
  });

  test('an operator who knows it accepts it, in the audit trail, and then it is signed', async () => {
    const id = await unverified(0x220);
    const accepted = await operator('PATCH', of(id), { accept_unverified: true });
    expect([accepted.status, accepted.body.unverified]).toEqual([200, false]);
    expect((await events(id)).at(-1)).toMatchObject({
      action: 'licenses.change',
      before: { unverified: true },
      after: { unverified: false },
    });
    const renewed = await operator('POST', of(id, '/renew'), { duration_days: 365 });
    expect(renewed.status).toBe(200);
    const { body } = await operator('GET', of(id, '/documents'));
    expect(body.documents).toHaveLength(2);
    expect(body.documents[0].key_id).not.toBe(keys[ED].kid);
  });

  test.each([false, 12, 'true'])('accepting takes true and nothing else: %j', async (accept_unverified) => {
    const id = await unverified(0x230 + String(accept_unverified).length);
    expect(refusal(await operator('PATCH', of(id), { accept_unverified }))).toEqual([422, 'invalid_request']);
  });

  test('accepting and a change may be one request', async () => {
    const id = await unverified(0x240);
    const change = { accept_unverified: true, expires_at: '2031-01-01T00:00:00Z' };
    expect((await operator('PATCH', of(id), change)).body).toMatchObject({ unverified: false });
    expect((await operator('GET', of(id, '/documents'))).body.documents).toHaveLength(2);
  });

  test('a line is refused where verification is asked for, before and after it was added', async () => {
    const terms = ledgerTerms(0x250);
    for (const _ of [1, 2]) {
      const { body } = await send(terms, { require_verified: true });
      expect(body).toMatchObject({ added: 0, known: 0, refused: 1, unverified: 0 });
      expect(body.results[0].reason).toContain('has verified the signature');
      await send(terms);
    }
    const listed = await sendListed(ledgerTerms(0x251), { require_verified: true });
    expect(listed.body).toMatchObject({ added: 1, refused: 0, unverified: 0 });
    expect((await licenseOf(ledgerTerms(0x251))).unverified).toBe(false);
  });

  test('importing it again once its key is listed verifies it', async () => {
    const terms = ledgerTerms(0x260);
    const { lines } = bodyOf(terms);
    await send(terms);
    const { body } = await sendListed(terms, { lines: [...lines, ...lines] });
    expect(body).toMatchObject({ added: 0, known: 2, unverified: 0 });
    const license = await licenseOf(terms);
    expect(license.unverified).toBe(false);
    expect((await operator('POST', of(license.id, '/renew'), { duration_days: 1 })).status).toBe(200);
    const before = service.dumpStore();
    await sendListed(terms);
    expect(service.dumpStore()).toBe(before);
  });

  test('a licence of another customer is refused and stays theirs, also where it was unverified', async () => {
    const terms = ledgerTerms(0x270);
    await send(terms);
    const before = service.dumpStore();
    for (const call of [send, sendListed]) {
      const { body } = await call(terms, { customer_id: 'other-co' });
      expect(body).toMatchObject({ added: 0, known: 0, refused: 1 });
      expect(body.results[0].reason).toBe('This licence is held by another customer.');
    }
    expect(service.dumpStore()).toBe(before);
  });

  test.each([
    ['licenses', 'created_at', ''],
    ['documents', 'issued_at', '/documents/dtlic2_kid-EC_SIGN_ED25519'],
  ])('a damaged record in %s is the problem of its own line alone', async (what, member, below) => {
    const [damaged, good] = [ledgerTerms(0x280 + what.length), ledgerTerms(0x290 + what.length)];
    await send(damaged);
    const hash = service.ports.hasher.hash('license', damaged.license_key);
    const path = `licenses/${hash}${below}`;
    const [snapshot] = await service.ports.store.get([path]);
    await service.ports.store.commit([{ op: 'update', path, fields: { [member]: -1 } }]);
    const { status, body } = await send(damaged, { lines: [ledgerLine(damaged), ledgerLine(good)] });
    expect([status, body.added, body.refused]).toEqual([200, 1, 1]);
    expect(body.results[0].reason).toContain('is damaged');
    await service.ports.store.commit([
      { op: 'update', path, fields: { [member]: snapshot?.fields[member] ?? null } },
    ]);
  });

  test.each([
    ['issued_at', '0001-01-01T00:00:00+00:00'],
    ['issued_at', '1969-12-31T23:59:59+00:00'],
    ['expires_at', '9999-12-31T23:59:59-01:00'],
  ])('a line whose %s is %s is refused, and lists go on', async (member, time) => {
    const terms = ledgerTerms(0x2a0, { [member]: time });
    const before = service.dumpStore();
    const { body } = await send(terms);
    expect(body.results).toEqual([
      { index: 0, outcome: 'refused', reason: `Missing or wrong: ${member}.`, verified: null },
    ]);
    expect(service.dumpStore()).toBe(before);
    expect((await operator('GET', '/api/v1/licenses')).status).toBe(200);
  });
});
