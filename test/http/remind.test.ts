/** Reminders of a licence's end over HTTP: what is sent, once for each end, and what the answer and the audit trail say. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMailer } from '../../infra/mail.ts';
import type { Mailer } from '../../shared/ports/mailer.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { openFailingStore } from '../support/failing-store.ts';
import { type Beside, serveBeside } from '../support/serve-beside.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';
import { startSmtpServer, type TestSmtp } from '../support/smtp.ts';

const ADDRESS = 'Zoe@example.com';

describe.each(['sqlite', 'firestore'] as const)('a reminder on %s', (kind) => {
  let service: TestService;
  let smtp: TestSmtp;
  let call: AdminCall;
  let admin: { 'x-api-key': string };
  let now: number;
  const stops: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    service = await startTestService({ store: kind });
    smtp = await startSmtpServer();
    stops.push(service.stop, smtp.stop);
    admin = await service.admin();
    call = await mailing({ mailer: mailer() });
  });
  afterAll(async () => {
    for (const stop of stops.reverse().splice(0)) await stop();
  });
  beforeEach(() => {
    smtp.behave({});
    smtp.received.length = 0;
    now = service.ports.clock.now();
  });

  function mailer(deadlineMs = 20_000, port = smtp.port): Mailer {
    return createMailer({ url: `smtp://127.0.0.1:${port}`, from: 'licences@example.com', deadlineMs });
  }

  /** An instance of its own, because mail is a choice of the deployment. */
  async function mailing(beside: Beside): Promise<AdminCall> {
    const instance = await serveBeside(service, beside);
    stops.push(instance.stop);
    return adminCalls(instance, admin);
  }

  const remind = (id: string, body: object = {}, headers = {}, by: AdminCall = call): Promise<Answer> =>
    by('POST', `/api/v1/licenses/${id}/remind`, body, headers);

  /** A licence that ends in thirty days; its id and its key. */
  async function addLicense(wanted: Parameters<TestService['addLicense']>[0] = {}) {
    const id = randomUUID();
    const holder = { name: 'Zoë', email: ADDRESS };
    const expiresAt = now + 30 * 86_400_000;
    return { id, expiresAt, key: await service.addLicense({ licenseId: id, holder, expiresAt, ...wanted }) };
  }

  /** What the audit trail tells of a licence. */
  async function toldOf(id: string) {
    const events = await service.ports.store.query({ collection: 'audit' });
    return events.filter(({ fields }) => fields.target === id).map(({ fields }) => fields.after);
  }

  test('goes to the holder, names the end and neither licence nor key, and is on the audit trail', async () => {
    const { id, key, expiresAt } = await addLicense();
    const end = new Date(expiresAt).toISOString();
    const { status, body } = await remind(id);
    const expires_at = end.replace('Z', '+00:00');
    expect([status, body]).toEqual([200, { license_id: id, expires_at, sent: true, reason: null }]);
    expect(smtp.received.map(({ to }) => to)).toEqual([[ADDRESS]]);
    const letter = smtp.received[0]?.text.replace(/=\r\n/g, '') ?? '';
    expect(letter).toContain(`Subject: Your licence of demo-app ends on ${end.slice(0, 10)}`);
    expect(letter).not.toContain(key);
    expect(letter).not.toContain('attachment');
    expect(await toldOf(id)).toEqual([{ status: 'sending', reminded_for: expires_at }, { status: 'sent' }]);
    expect(service.logLines.join('')).not.toContain('example.com');
  });

  test('is sent once for each end, and again when that is asked for', async () => {
    const { id, key, expiresAt } = await addLicense();
    expect((await remind(id)).body.sent).toBe(true);
    expect((await remind(id)).body).toMatchObject({ sent: false, reason: 'already_sent' });
    expect((await remind(id, { force: false })).body).toMatchObject({ sent: false, reason: 'already_sent' });
    expect(smtp.received).toHaveLength(1);
    expect((await remind(id, { force: true })).body).toMatchObject({ sent: true, reason: null });
    expect(smtp.received).toHaveLength(2);
    expect((await remind(id)).body.reason).toBe('already_sent');
    await service.updateLicense(key, { expires_at: expiresAt + 1 });
    expect((await remind(id)).body).toMatchObject({ sent: true, reason: null });
    expect(smtp.received).toHaveLength(3);
  });

  test('goes to the address that the customer has now, where nobody holds the licence', async () => {
    const id = `customer-${randomUUID()}`;
    await call('POST', '/api/v1/customers', { id, name: 'Acme', email: 'old@example.com' });
    const customer = { id, name: 'Acme' };
    const license = await addLicense({ customer, holder: null, email: 'old@example.com' });
    await call('PATCH', `/api/v1/customers/${id}`, { email: 'new@example.com' });
    expect((await remind(license.id)).body.sent).toBe(true);
    expect(smtp.received.map(({ to }) => to)).toEqual([['new@example.com']]);
  });

  test('without SMTP settings sends nothing, says so and changes nothing', async () => {
    const { id } = await addLicense();
    const quiet = await mailing({});
    const before = service.dumpStore();
    const { status, body } = await remind(id, {}, {}, quiet);
    expect([status, body.sent, body.reason]).toEqual([200, false, 'smtp_not_configured']);
    expect(service.dumpStore()).toBe(before);
    expect((await remind(randomUUID(), {}, {}, quiet)).body.code).toBe('license_not_found');
  });

  test('is one letter of several requests at once, with one Idempotency-Key and with none', async () => {
    for (const headers of [{ 'idempotency-key': randomUUID() }, {}]) {
      smtp.received.length = 0;
      const { id } = await addLicense();
      const answers = await Promise.all([1, 2, 3].map(() => remind(id, {}, headers)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(answers.filter(({ body }) => body.sent === true).length).toBeGreaterThan(0);
      expect(smtp.received).toHaveLength(1);
    }
  });

  test('that was forced with a key is replayed and not sent again', async () => {
    const { id } = await addLicense();
    const key = { 'idempotency-key': randomUUID() };
    await remind(id);
    expect((await remind(id, { force: true }, key)).body.sent).toBe(true);
    const again = await remind(id, { force: true }, key);
    expect(again.body).toMatchObject({ sent: true, reason: null });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(smtp.received).toHaveLength(2);
    expect((await remind(id, {}, key)).body.code).toBe('idempotency_conflict');
    await remind(id, { force: true });
    expect((await remind(id, { force: true }, key)).body).toMatchObject({
      sent: null,
      reason: 'outcome_unknown',
    });
    expect(smtp.received).toHaveLength(3);
  });

  test.each([
    ['refuses the receiver', 550, 502, 'mail_refused'],
    ['puts the receiver off', 451, 503, 'mail_unavailable'],
  ] as const)('to a server that %s fails, and succeeds later', async (_what, refusal, status, code) => {
    for (const headers of [{ 'idempotency-key': randomUUID() }, {}]) {
      smtp.received.length = 0;
      const { id } = await addLicense();
      smtp.behave({ refuse: { at: 'to', code: refusal } });
      const failed = await remind(id, {}, headers);
      expect([failed.status, failed.body.code]).toEqual([status, code]);
      expect(JSON.stringify(failed.body)).not.toContain('example.com');
      expect((await toldOf(id)).at(-1)).toEqual({ status: 'failed' });
      smtp.behave({});
      const later = await Promise.all([1, 2].map(() => remind(id, {}, headers)));
      expect(later.map(({ body }) => body.sent)).toContain(true);
      expect(smtp.received).toHaveLength(1);
    }
  });

  test('whose letter was handed over without an answer says that, and is not sent again unless forced', async () => {
    const { id } = await addLicense();
    const key = { 'idempotency-key': randomUUID() };
    const unknown = { sent: null, reason: 'outcome_unknown' };
    smtp.behave({ diesAfterData: true });
    expect((await remind(id, {}, key)).body).toMatchObject(unknown);
    smtp.behave({});
    expect((await remind(id, {}, key)).body).toMatchObject(unknown);
    expect((await remind(id)).body).toMatchObject(unknown);
    expect(smtp.received).toHaveLength(1);
    expect((await remind(id, { force: true })).body.sent).toBe(true);
    expect(smtp.received).toHaveLength(2);
  });

  test('that fails after another was forced leaves the other one as it is', async () => {
    const { id } = await addLicense();
    const stuck = await startSmtpServer({ isStuck: true });
    stops.push(stuck.stop);
    const slow = remind(id, {}, {}, await mailing({ mailer: mailer(4_000, stuck.port) }));
    await expect.poll(() => toldOf(id), { timeout: 30_000 }).toHaveLength(1);
    expect((await remind(id)).body).toMatchObject({ sent: null, reason: 'outcome_unknown' });
    expect((await remind(id, { force: true })).body.sent).toBe(true);
    expect((await slow).body.code).toBe('mail_unavailable');
    expect((await remind(id)).body.reason).toBe('already_sent');
    expect(smtp.received).toHaveLength(1);
  });

  test('is one letter when no commit is confirmed', async () => {
    const { id } = await addLicense();
    const store = openFailingStore(service.ports.store, { interruptEvery: 1 });
    const failing = await mailing({ ports: { store }, mailer: mailer() });
    const { body } = await remind(id, {}, { 'idempotency-key': randomUUID() }, failing);
    expect(body.sent).toBe(true);
    expect(smtp.received).toHaveLength(1);
    expect(await toldOf(id)).toHaveLength(2);
  });

  test('refuses what nobody is to be reminded of, and sends nothing', async () => {
    const [plain, perpetual, expired, open, mistyped, nameless, revoked, suspended] = await Promise.all([
      addLicense(),
      addLicense({ expiresAt: null }),
      addLicense({ expiresAt: now - 1 }),
      addLicense({ expiresAt: now - 1 }),
      addLicense({ holder: { name: 'Zoë', email: 'zoe@example.com\r\nBcc: thief@example.net' } }),
      addLicense({ holder: null, email: null }),
      addLicense(),
      addLicense(),
    ]);
    await service.updateLicense(open.key, { expiry_strategy: 'allow' });
    await service.updateLicense(revoked.key, { status: 'revoked' });
    await service.updateLicense(suspended.key, { status: 'suspended' });
    const before = service.dumpStore();
    const cases: [{ readonly id: string }, object, number, string][] = [
      [plain, { force: 'yes' }, 422, 'invalid_request'],
      [{ id: 'no-such-licence' }, {}, 404, 'license_not_found'],
      [perpetual, {}, 409, 'not_remindable'],
      [perpetual, { force: true }, 409, 'not_remindable'],
      [revoked, { force: true }, 403, 'license_revoked'],
      [suspended, {}, 403, 'license_suspended'],
      [expired, {}, 403, 'license_expired'],
      [open, {}, 403, 'license_expired'],
      [mistyped, {}, 422, 'invalid_request'],
      [nameless, {}, 422, 'invalid_request'],
    ];
    for (const [{ id }, body, status, code] of cases) {
      const refusal = await remind(id, body);
      expect([refusal.status, refusal.body.code]).toEqual([status, code]);
    }
    expect(service.dumpStore()).toBe(before);
    expect(smtp.received).toEqual([]);
  });

  test('needs licenses:write, and a licence that the caller may touch', async () => {
    const { id } = await addLicense();
    const reader = await service.admin(['licenses:read']);
    const stranger = await service.admin(['licenses:write'], 'another');
    const owner = await service.admin(['licenses:write'], 'customer-1');
    expect((await remind(id, {}, { 'x-api-key': '' })).body.code).toBe('unauthenticated');
    expect((await remind(id, {}, reader)).body.code).toBe('forbidden');
    expect((await remind(id, {}, stranger)).body.code).toBe('license_not_found');
    expect((await remind(id, {}, owner)).body.sent).toBe(true);
    expect(smtp.received).toHaveLength(1);
  });
});
