/** Whose documents are handed out, when, and where they go: those on record may be a former customer's, or hold no more. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient } from '../../infra/kms/google.ts';
import { createMailer } from '../../infra/mail.ts';
import type { ForeignKey, RegisteredKey } from '../../shared/keys/registry.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import {
  type InEveryFormat,
  ISSUED,
  issueInEveryFormat,
  newestTexts,
  nextKey,
  OURS,
  reissueBy,
} from '../support/every-format.ts';
import { ledgerLine, ledgerTerms } from '../support/ledger.ts';
import { DAY, deskOn, HOLDER, of, refusal } from '../support/license-desk.ts';
import { serveBeside } from '../support/serve-beside.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { ED, keys as testKeys } from '../support/signed-documents.ts';
import { startSmtpServer, type TestSmtp } from '../support/smtp.ts';

const LEDGER_KEY: ForeignKey = {
  use: 'verify',
  pem: testKeys[ED].pem,
  algorithm: ED,
  issuer: 'datatools',
  kid: testKeys[ED].kid,
  state: 'retiring',
};
const NEW_HOLDER = { name: 'Another', email: 'another@other.example' };

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let smtp: TestSmtp;
  let admin: { 'x-api-key': string };
  let call: AdminCall;
  const stops: (() => Promise<unknown>)[] = [];
  const desk = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    smtp = await startSmtpServer();
    stops.push(service.stop, smtp.stop);
    await desk.openDesk();
    admin = await service.admin();
    call = await mailing();
  });
  afterAll(async () => {
    for (const stop of stops.reverse().splice(0)) await stop();
  });
  beforeEach(() => {
    smtp.received.length = 0;
  });

  /** An instance that sends letters, with these keys or the service's own. */
  async function mailing(keys?: readonly RegisteredKey[]): Promise<AdminCall> {
    const from = 'licences@example.com';
    const mailer = createMailer({ url: `smtp://127.0.0.1:${smtp.port}`, from, deadlineMs: 20_000 });
    const client = createKmsClient({ endpoint: service.kms.endpoint });
    const own = keys && { keys: createKeyDirectory({ client, keys, deadlineMs: 10_000 }) };
    const instance = await serveBeside(service, { mailer, ports: { ...own } });
    stops.push(() => client.close(), instance.stop);
    return adminCalls(instance, admin);
  }

  const deliver = (id: string, format: string, more: object = {}, by: AdminCall = call) =>
    by('POST', of(id, '/deliver'), { format, ...more });
  const deliverable = (id: string, format: string, by: AdminCall = call) =>
    by('GET', of(id, `/documents?deliverable=true&format=${format}`));
  const letter = () => smtp.received.at(-1)?.text.replace(/=\r\n/g, '').replace(/=3D/g, '=') ?? '';

  /** As records of before are, when a transfer was stored whose documents could not be signed. */
  async function transferUnsigned(license: InEveryFormat): Promise<void> {
    const customer = { id: 'other-co', name: 'Customer other-co' };
    const [holder, email] = [NEW_HOLDER, NEW_HOLDER.email];
    await service.updateLicense(license.licenseKey, { customer, customer_id: customer.id, holder, email });
  }

  test.each(ISSUED)('a %s document of the former customer is not sent to the new one', async (format) => {
    const license = await issueInEveryFormat(desk);
    await transferUnsigned(license);
    expect(refusal(await deliver(license.id, format))).toEqual([404, 'document_not_found']);
    expect(refusal(await deliverable(license.id, format))).toEqual([404, 'document_not_found']);
    expect(smtp.received).toEqual([]);
    const wanted = { format, license_key: license.licenseKey };
    const { body } = await call('POST', of(license.id, '/documents'), wanted);
    expect((await deliver(license.id, format)).body).toMatchObject({ sent: true });
    expect(letter()).toContain(body.document);
    expect(smtp.received[0]?.to).toEqual([NEW_HOLDER.email]);
    expect((await deliverable(license.id, format)).body.documents).toEqual([body]);
  });

  test.each(['retired', 'compromised'] as const)('a document of a %s key is not sent', async (state) => {
    const { id, texts } = await issueInEveryFormat(desk);
    const next = await nextKey(service);
    const after = await mailing([{ ...OURS, state }, next]);
    for (const format of ISSUED) {
      expect((await deliver(id, format)).body.sent).toBe(true);
      expect(refusal(await deliver(id, format, {}, after))).toEqual([404, 'document_not_found']);
      expect(refusal(await deliverable(id, format, after))).toEqual([404, 'document_not_found']);
    }
    expect(smtp.received).toHaveLength(ISSUED.length);
    await reissueBy(service, next);
    const anew = await newestTexts(desk, id);
    for (const format of ISSUED) {
      expect(anew[format]).not.toBe(texts[format]);
      expect((await deliver(id, format, {}, after)).body.sent).toBe(true);
      expect(letter()).toContain(anew[format]);
    }
  });

  test('the letter says when the document ends, also where the licence was given another end since', async () => {
    const license = await issueInEveryFormat(desk);
    await service.updateLicense(license.licenseKey, { expires_at: license.expiresAt + 100 * DAY });
    const end = new Date(license.expiresAt).toISOString().slice(0, 10);
    for (const format of ISSUED) {
      expect((await deliver(license.id, format)).body.sent).toBe(true);
      expect(letter()).toContain(`holds until ${end}`);
    }
  });

  test('a document that is over is not sent, although its licence holds', async () => {
    const license = await issueInEveryFormat(desk, { license_type: 'demo', duration_days: 1 });
    await service.updateLicense(license.licenseKey, { expires_at: license.expiresAt + 100 * DAY });
    service.advance(2 * 86_400);
    try {
      for (const format of ISSUED)
        expect(refusal(await deliver(license.id, format))).toEqual([404, 'document_not_found']);
    } finally {
      service.advance(-2 * 86_400);
    }
    expect(smtp.received).toEqual([]);
  });

  test.each([
    ['license_suspended', { status: 'suspended' }],
    ['license_revoked', { status: 'revoked' }],
    ['license_expired', { expires_at: 1 }],
  ] as const)('what can be delivered of a licence is refused with %s', async (code, fields) => {
    const license = await issueInEveryFormat(desk);
    await service.updateLicense(license.licenseKey, fields);
    expect(refusal(await deliver(license.id, 'aegis'))).toEqual([403, code]);
    expect(refusal(await deliverable(license.id, 'aegis'))).toEqual([403, code]);
    // What is on record can be looked at all the same.
    expect((await call('GET', of(license.id, '/documents'))).body.documents).toHaveLength(3);
  });

  test('a licence of an old ledger is sent again, although its key is none of ours; once it is, by its state', async () => {
    const terms = ledgerTerms(1);
    const lines = [ledgerLine(terms)];
    const wanted = { customer_id: 'acme-gmbh', product: 'datatools', lines };
    expect((await call('POST', '/api/v1/licenses/import', wanted)).body).toMatchObject({ unverified: 1 });
    const { body } = await call('GET', `/api/v1/licenses?email=${terms.email}`);
    const [{ id }] = body.licenses;
    expect((await deliver(id, 'dtlic2')).body.sent).toBe(true);
    expect(letter()).toContain(JSON.parse(lines[0] ?? '').blob);
    const after = await mailing([OURS, { ...LEDGER_KEY, state: 'compromised' }]);
    expect(refusal(await deliver(id, 'dtlic2', {}, after))).toEqual([404, 'document_not_found']);
  });

  test('what can be delivered is one document in each format', async () => {
    const license = await issueInEveryFormat(desk);
    await call('POST', of(license.id, '/renew'), { duration_days: 10 });
    const newest = await newestTexts(desk, license.id);
    const { body } = await call('GET', of(license.id, '/documents?deliverable=true'));
    const texts = body.documents.map(({ document }: { document: string }) => document);
    expect(texts.sort()).toEqual(Object.values(newest).sort());
  });

  test('a customer’s own key does not see what names the former customer, an operator’s does', async () => {
    const license = await issueInEveryFormat(desk);
    await call('POST', of(license.id, '/transfer'), { customer_id: 'other-co', holder: NEW_HOLDER });
    const bound = adminCalls(service, await service.admin(['licenses:read'], 'other-co'));
    const { documents } = (await bound('GET', of(license.id, '/documents'))).body;
    expect(documents).toHaveLength(ISSUED.length);
    const seen = documents.map(({ document }: { document: string }) => document);
    expect(seen).not.toEqual(expect.arrayContaining([expect.stringMatching(/acme-gmbh/)]));
    for (const text of Object.values(license.texts)) expect(seen).not.toContain(text);
    const all = (await call('GET', of(license.id, '/documents'))).body.documents;
    expect(all).toHaveLength(2 * ISSUED.length);
  });

  test('a transfer that leaves the holder leaves the new customer the DTLIC2 document', async () => {
    const license = await issueInEveryFormat(desk);
    await call('POST', of(license.id, '/transfer'), { customer_id: 'other-co' });
    const bound = adminCalls(service, await service.admin(['licenses:read'], 'other-co'));
    const { documents } = (await bound('GET', of(license.id, '/documents?format=dtlic2'))).body;
    expect(documents.map(({ document }: { document: string }) => document)).toEqual([license.texts.dtlic2]);
    expect((await deliver(license.id, 'dtlic2')).body.sent).toBe(true);
  });

  test('another holder of the same customer hides nothing from that', async () => {
    const license = await issueInEveryFormat(desk);
    await call('POST', of(license.id, '/transfer'), { customer_id: 'acme-gmbh', holder: NEW_HOLDER });
    const { documents } = (await desk.acme('GET', of(license.id, '/documents?format=dtlic2'))).body;
    expect(documents).toHaveLength(2);
  });

  test('the token of a licence is none of the former customer’s', async () => {
    const license = await issueInEveryFormat(desk);
    await transferUnsigned(license);
    const bound = adminCalls(service, await service.admin(['licenses:read'], 'other-co'));
    for (const by of [bound, call])
      expect((await by('GET', of(license.id))).body).toMatchObject({ token: null, key_id: null });
  });

  test('a letter goes where a reminder goes: to the holder, or to the customer where they are now', async () => {
    const id = `mover-${store}`;
    await call('POST', '/api/v1/customers', { id, name: 'Mover', email: 'old@mover.example' });
    const wanted = { customer_id: id, formats: ['aegis'] };
    const [plain, held] = [await desk.issued(wanted), await desk.issued({ ...wanted, holder: HOLDER })];
    await call('PATCH', `/api/v1/customers/${id}`, { email: 'new@mover.example' });
    for (const license of [plain, held]) {
      await deliver(license.id, 'aegis');
      await call('POST', of(license.id, '/remind'), {});
    }
    const address = HOLDER.email.replace('Example.com', 'example.com');
    expect(smtp.received.map(({ to }) => to[0])).toEqual([
      'new@mover.example',
      'new@mover.example',
      address,
      address,
    ]);
    await call('PATCH', `/api/v1/customers/${id}`, { email: null });
    expect((await deliver(plain.id, 'aegis')).body).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/to' }],
    });
    expect(smtp.received).toHaveLength(4);
  });
});
