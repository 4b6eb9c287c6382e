/** Importing the old ledger over HTTP, on both stores. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importLedger } from '../../shared/usecases/import-ledger.ts';
import { importRequest } from '../../shared/wire/import.ts';
import { openFailingStore } from '../support/failing-store.ts';
import { ISSUED_AT } from '../support/issued-licenses.ts';
import { ledgerLine, ledgerTerms } from '../support/ledger.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const PATH = '/api/v1/licenses/import';

describe.each(['sqlite', 'firestore'] as const)('an import on %s', (store) => {
  let service: TestService;
  let admin: { 'x-api-key': string };
  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    admin = await service.admin();
    for (const id of ['datatools', 'acme'])
      await service.post('/api/v1/customers', { id, name: `Buyers of ${id}` }, admin);
  });
  afterAll(() => service.stop());

  const send = (lines: unknown, headers = {}, rest = {}): Promise<Answer> =>
    service.post(PATH, { lines, ...rest }, { ...admin, ...headers });
  const licenseOf = async (key: string) => {
    const hash = service.ports.hasher.hash('license', key);
    const [license, document] = await service.ports.store.get([
      `licenses/${hash}`,
      `licenses/${hash}/documents/dtlic2_kid-EC_SIGN_ED25519`,
    ]);
    return { license: license?.fields, document: document?.fields };
  };
  const auditSeq = async () => {
    const [head] = await service.ports.store.get(['audit_chain/head']);
    return Number(head?.fields.seq ?? 0);
  };

  test('makes a licence and its document of each line, with one audit event', async () => {
    const before = await auditSeq();
    const terms = [
      ledgerTerms(1),
      ledgerTerms(2, { tier: 'pro', expires_at: null }),
      ledgerTerms(3, { tier: 'lite' }),
    ];
    const { status, body } = await send(terms.map((each) => ledgerLine(each)));
    expect(status).toBe(200);
    expect(body).toMatchObject({ added: 3, known: 0, refused: 0 });
    expect(body.results).toEqual(
      [0, 1, 2].map((index) => ({ index, outcome: 'added', reason: null, verified: false })),
    );
    const { license, document } = await licenseOf(terms[0]?.license_key ?? '');
    expect(license).toMatchObject({
      customer_id: 'datatools',
      customer: { id: 'datatools', name: 'Buyers of datatools' },
      email: 'zoe.1@example.com',
      holder: { name: 'Zoë Müller 1', email: 'Zoe.1@Example.com' },
      tier: 'team',
      license_type: 'subscription',
      created_at: ISSUED_AT,
      expires_at: Date.UTC(2028, 1, 29),
      status: 'active',
    });
    expect(document).toMatchObject({
      license_id: license?.license_id,
      format: 'dtlic2',
      issued_at: ISSUED_AT,
      text: JSON.parse(ledgerLine(terms[0] as never)).blob,
    });
    const perpetual = await licenseOf(terms[1]?.license_key ?? '');
    expect(perpetual.license).toMatchObject({ tier: 'pro', license_type: 'perpetual', expires_at: null });
    expect((await licenseOf(terms[2]?.license_key ?? '')).license).toMatchObject({ tier: 'free' });
    expect(await auditSeq()).toBe(before + 1);
    const [event] = await service.ports.store.get([`audit/${String(before + 1).padStart(12, '0')}`]);
    expect(event?.fields).toMatchObject({
      action: 'licenses.import',
      target: 'datatools',
      after: { added: 3, known: 0, refused: 0, unverified: 3 },
    });
    expect(JSON.stringify(event?.fields)).not.toContain('xample.com');
  });

  test('adds nothing the second time, and records nothing', async () => {
    const lines = [ledgerLine(ledgerTerms(10)), ledgerLine(ledgerTerms(11))];
    await send(lines);
    const before = service.dumpStore();
    const { body } = await send(lines);
    expect(body).toMatchObject({ added: 0, known: 2, refused: 0 });
    expect(service.dumpStore()).toBe(before);
  });

  test('answers a repeated request as the first time', async () => {
    const lines = [ledgerLine(ledgerTerms(20))];
    const key = { 'idempotency-key': randomUUID() };
    const first = await send(lines, key);
    const second = await send(lines, key);
    expect(first.body.added).toBe(1);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect((await send([ledgerLine(ledgerTerms(21))], key)).body.code).toBe('idempotency_conflict');
  });

  test('refuses a line that contradicts its blob, and says where', async () => {
    const terms = ledgerTerms(30);
    const wrong = {
      license_key: 'DT1-OTHER',
      name: 'Someone',
      email: 'someone@example.com',
      tier: 'pro',
      issued_at: '2025-12-02T03:04:06+00:00',
      expires_at: null,
    };
    const lines = Object.entries(wrong).map(([member, value]) => ledgerLine(terms, { [member]: value }));
    const { body } = await send([...lines, ledgerLine(terms, wrong)]);
    expect(body.refused).toBe(7);
    expect(body.results.map(({ reason }: { reason: string }) => reason)).toEqual([
      ...Object.keys(wrong).map((member) => `The blob says otherwise of: ${member}.`),
      `The blob says otherwise of: ${Object.keys(wrong).join(', ')}.`,
    ]);
    expect((await licenseOf(terms.license_key)).license).toBeUndefined();
  });

  test('takes the times of a line in any offset, and as UTC without one', async () => {
    const terms = ledgerTerms(35);
    const line = ledgerLine(terms, {
      issued_at: '2025-12-02T04:04:05+01:00',
      expires_at: '2028-02-29T00:00:00',
    });
    expect((await send([line])).body.added).toBe(1);
  });

  test('refuses what is no line of a ledger, and takes the others', async () => {
    const good = ledgerTerms(40);
    const { blob, ...rest } = JSON.parse(ledgerLine(ledgerTerms(41)));
    const lines: [string, string][] = [
      ['', 'JSON'],
      ['not JSON', 'JSON'],
      ['[]', 'It is no JSON object.'],
      ['null', 'It is no JSON object.'],
      ['{"license_key":"a","license_key":"b"}', 'key'],
      ['{"name":"\\ud800"}', ''],
      ['{}', 'Missing or wrong: license_key, name, email, tier, issued_at, expires_at, blob.'],
      [JSON.stringify(rest), 'Missing or wrong: blob.'],
      [JSON.stringify({ ...rest, blob: 7 }), 'Missing or wrong: blob.'],
      [JSON.stringify({ ...rest, blob: 'DTLIC2:x' }), 'This is no DTLIC2 licence'],
      [JSON.stringify({ ...rest, blob: `${blob}=` }), 'This is no DTLIC2 licence'],
      [JSON.stringify({ ...rest, blob, tier: 'gold' }), 'Missing or wrong: tier.'],
      [JSON.stringify({ ...rest, blob, issued_at: 'yesterday' }), 'Missing or wrong: issued_at.'],
      [JSON.stringify({ ...rest, blob, name: 'x'.repeat(257) }), 'Missing or wrong: name.'],
      [ledgerLine(good), ''],
    ];
    const { body } = await send(lines.map(([line]) => line));
    expect(body).toMatchObject({ added: 1, refused: lines.length - 1 });
    for (const [index, [, reason]] of lines.slice(0, -1).entries())
      expect(body.results[index]).toMatchObject({
        outcome: 'refused',
        reason: expect.stringContaining(reason),
      });
    expect((await licenseOf(good.license_key)).license).toBeDefined();
  });

  test('takes a key that is there twice once, and refuses another blob for it', async () => {
    const terms = ledgerTerms(50);
    const other = ledgerLine({ ...terms, name: 'Another' });
    const line = ledgerLine(terms);
    const { body } = await send([line, line, other]);
    expect(body.results.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'added',
      'known',
      'refused',
    ]);
    const later = await send([other, line]);
    expect(later.body.results).toMatchObject([
      { outcome: 'refused', reason: expect.stringContaining('another than the blob') },
      { outcome: 'known' },
    ]);
    expect((await licenseOf(terms.license_key)).document).toMatchObject({ text: JSON.parse(line).blob });
  });

  test('of two at once adds each line once', async () => {
    const lines = Array.from({ length: 20 }, (_, n) => ledgerLine(ledgerTerms(100 + n)));
    const answers = await Promise.all([send(lines), send(lines), send(lines)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const counts = answers.map(({ body }) => [body.added, body.known]);
    expect(counts.sort()).toEqual([
      [0, 20],
      [0, 20],
      [20, 0],
    ]);
  });

  test('is one act when its commit is not confirmed', async () => {
    const before = await auditSeq();
    const failing = openFailingStore(service.ports.store, { interruptEvery: 1 });
    const body = importRequest.parse({ lines: [ledgerLine(ledgerTerms(200))] });
    const caller = {
      actor: 'key:test',
      scopes: new Set<never>(),
      customerId: null,
      source: null,
      requestId: 'r',
    };
    const call = { caller, idempotencyKey: undefined, raw: body, body };
    const { answer } = await importLedger({ ...service.ports, store: failing }, service.settings, call);
    expect(answer).toMatchObject({ added: 1, known: 0 });
    expect(await auditSeq()).toBe(before + 1);
  });

  test('refuses bad requests as a whole, and changes nothing', async () => {
    const line = ledgerLine(ledgerTerms(300));
    const before = service.dumpStore();
    const bodies = [
      {},
      { lines: [] },
      { lines: 'x' },
      { lines: [7] },
      { lines: Array(201).fill('x') },
      { lines: [line], customer_id: 'no such/id' },
      { lines: [line], product: '' },
    ];
    for (const body of bodies)
      expect((await service.post(PATH, body, admin)).body.code).toBe('invalid_request');
    expect((await send([' '.repeat(66_000)])).body.code).toBe('body_too_large');
    expect(service.dumpStore()).toBe(before);
  });

  test('needs licenses:write, and of a caller of one customer that customer', async () => {
    const lines = [ledgerLine(ledgerTerms(310))];
    expect((await service.post(PATH, { lines })).body.code).toBe('unauthenticated');
    const reader = await service.admin(['licenses:read']);
    expect((await service.post(PATH, { lines }, reader)).body.code).toBe('forbidden');
    const bound = await service.admin(['licenses:write'], 'acme');
    expect((await service.post(PATH, { lines }, bound)).body.code).toBe('customer_not_found');
    expect((await send(lines, {}, { customer_id: 'nobody' })).body.code).toBe('customer_not_found');
    expect((await licenseOf(ledgerTerms(310).license_key)).license).toBeUndefined();
    const own = await service.post(PATH, { lines, customer_id: 'acme' }, bound);
    expect(own.body.added).toBe(1);
    expect((await licenseOf(ledgerTerms(310).license_key)).license).toMatchObject({ customer_id: 'acme' });
  });
});
