/** Licences by e-mail over HTTP: what is sent, once, and what the answer and the audit trail say of it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMailer } from '../../infra/mail.ts';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import type { Mailer } from '../../shared/ports/mailer.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { openFailingStore } from '../support/failing-store.ts';
import { dtlic2Terms } from '../support/issued-licenses.ts';
import { serveBeside } from '../support/serve-beside.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';
import { startSmtpServer, type TestSmtp } from '../support/smtp.ts';

describe.each(['sqlite', 'firestore'] as const)('a delivery on %s', (kind) => {
  let service: TestService;
  let smtp: TestSmtp;
  let url: string;
  let admin: { 'x-api-key': string };
  /** Of the licence that was added last. */
  let kid: string;
  let document: string;
  const stops: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    service = await startTestService({ store: kind });
    smtp = await startSmtpServer();
    admin = await service.admin();
    stops.push(smtp.stop, service.stop);
    url = await start(mailer());
  });
  afterAll(async () => {
    for (const stop of stops.reverse().splice(0)) await stop();
  });

  /** A server of its own, because mail is a choice of the deployment. */
  async function start(mailer: Mailer | undefined, ports: Partial<Ports> = {}): Promise<string> {
    const instance = await serveBeside(service, { ports, mailer });
    stops.push(instance.stop);
    return instance.baseUrl;
  }

  const mailer = (deadlineMs = 20_000) =>
    createMailer({ url: `smtp://127.0.0.1:${smtp.port}`, from: 'licences@example.com', deadlineMs });

  async function deliver(url: string, id: string, body: object = { format: 'dtlic2' }, headers = {}) {
    const response = await fetch(`${url}/api/v1/licenses/${id}/deliver`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...admin, ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: await response.json() } as Answer;
  }

  /** The id of a licence with a stored document. */
  async function addLicense(wanted: Parameters<TestService['addLicense']>[0] = {}): Promise<string> {
    const id = randomUUID();
    const holder = { name: 'Zoë', email: 'Zoe@example.com' };
    const key = await service.addLicense({ licenseId: id, holder, ...wanted });
    const hash = service.ports.hasher.hash('license', key);
    const terms = dtlic2Terms({ license_key: key, expires_at: null, ...(wanted.holder ?? holder) });
    const signature = await service.ports.keys.sign('EC_SIGN_ED25519', (by) => dtlic2.signedBytes(terms, by));
    kid = signature.kid;
    document = dtlic2.encode(terms, signature);
    const fields = {
      license_id: id,
      customer_id: 'customer-1',
      format: 'dtlic2',
      kid,
      text: document,
      issued_at: 1,
      replaces: null,
    };
    const path = `licenses/${hash}/documents/dtlic2_${kid}`;
    await service.ports.store.commit([{ op: 'set', path, fields }]);
    return id;
  }

  /** What the audit trail tells of a licence. */
  async function toldOf(id: string) {
    const events = await service.ports.store.query({ collection: 'audit' });
    return events.filter(({ fields }) => fields.target === id).map(({ fields }) => fields.after);
  }

  beforeEach(() => {
    smtp.behave({});
    smtp.received.length = 0;
  });

  test('sends the stored document to the holder, and is on the audit trail', async () => {
    const id = await addLicense();
    const { status, body } = await deliver(url, id);
    expect([status, body]).toEqual([
      200,
      { license_id: id, format: 'dtlic2', key_id: kid, sent: true, reason: null },
    ]);
    expect(smtp.received).toHaveLength(1);
    expect(smtp.received[0]?.to).toEqual(['Zoe@example.com']);
    expect(smtp.received[0]?.text.replace(/=\r\n/g, '').replace(/=3D/g, '=')).toContain(document);
    expect(await toldOf(id)).toEqual([{ status: 'sending', format: 'dtlic2', kid }, { status: 'sent' }]);
  });

  test('goes where the request says', async () => {
    const id = await addLicense({ holder: null, email: null });
    expect((await deliver(url, id)).body).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/to' }],
    });
    expect((await deliver(url, id, { format: 'dtlic2', to: 'it@example.com' })).body.sent).toBe(true);
    expect(smtp.received.map(({ to }) => to)).toEqual([['it@example.com']]);
  });

  test('without SMTP settings sends nothing, says so and changes nothing', async () => {
    const id = await addLicense();
    const quiet = await start(undefined);
    const before = service.dumpStore();
    const { status, body } = await deliver(quiet, id);
    expect([status, body.sent, body.reason]).toEqual([200, false, 'smtp_not_configured']);
    expect(service.dumpStore()).toBe(before);
    expect((await deliver(quiet, randomUUID())).body.code).toBe('license_not_found');
  });

  test('with one Idempotency-Key is one letter, also of two requests at once', async () => {
    const id = await addLicense();
    const key = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all([1, 2, 3].map(() => deliver(url, id, undefined, key)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers.filter(({ body }) => body.sent === true).length).toBeGreaterThan(0);
    const again = await deliver(url, id, undefined, key);
    expect(again.body).toMatchObject({ sent: true, reason: null });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(smtp.received).toHaveLength(1);
    const other = await deliver(url, id, { format: 'dtlic2', to: 'x@example.com' }, key);
    expect(other.body.code).toBe('idempotency_conflict');
  });

  test.each([
    ['refuses the receiver', { refuse: { at: 'to', code: 550 } }, 502, 'mail_refused'],
    ['puts the receiver off', { refuse: { at: 'to', code: 451 } }, 503, 'mail_unavailable'],
  ] as const)(
    'to a server that %s fails, and succeeds later with its key',
    async (_what, behaviour, status, code) => {
      const id = await addLicense();
      const key = { 'idempotency-key': randomUUID() };
      smtp.behave(behaviour);
      const failed = await deliver(url, id, undefined, key);
      expect([failed.status, failed.body.code]).toEqual([status, code]);
      expect(JSON.stringify(failed.body)).not.toContain('example.com');
      expect(failed.headers.has('retry-after')).toBe(status === 503);
      expect((await toldOf(id)).at(-1)).toEqual({ status: 'failed' });
      smtp.behave({});
      const later = await Promise.all([1, 2].map(() => deliver(url, id, undefined, key)));
      expect(later.map(({ body }) => body.sent)).toContain(true);
      expect(smtp.received).toHaveLength(1);
    },
  );

  test('to a server that takes too long is mail_unavailable', async () => {
    const id = await addLicense();
    smtp.behave({ isStuck: true });
    expect((await deliver(await start(mailer(1000)), id)).body.code).toBe('mail_unavailable');
  });

  test('whose letter was handed over without an answer says that, and is not sent again', async () => {
    const id = await addLicense();
    const key = { 'idempotency-key': randomUUID() };
    smtp.behave({ diesAfterData: true });
    const first = await deliver(url, id, undefined, key);
    expect(first.body).toMatchObject({ sent: null, reason: 'outcome_unknown' });
    smtp.behave({});
    const second = await deliver(url, id, undefined, key);
    expect(second.body).toMatchObject({ sent: null, reason: 'outcome_unknown' });
    expect(smtp.received).toHaveLength(1);
    expect((await toldOf(id)).at(-1)).toEqual({ status: 'unknown' });
  });

  test('is one letter when no commit is confirmed', async () => {
    const id = await addLicense();
    const store = openFailingStore(service.ports.store, { interruptEvery: 1 });
    const failing = await start(mailer(), { store });
    const { body } = await deliver(failing, id, undefined, { 'idempotency-key': randomUUID() });
    expect(body.sent).toBe(true);
    expect(smtp.received).toHaveLength(1);
    expect(await toldOf(id)).toHaveLength(2);
  });

  test('refuses what cannot be delivered, and sends nothing', async () => {
    const id = await addLicense();
    const [revoked, expired, mistyped] = await Promise.all([
      addLicense({ licenseKey: `REVOKED-${kind}` }),
      addLicense({ expiresAt: 1 }),
      addLicense({ holder: { name: 'Zoë', email: 'zoe@example.com\r\nBcc: thief@example.net' } }),
    ]);
    await service.updateLicense(`REVOKED-${kind}`, { status: 'revoked' });
    const before = service.dumpStore();
    const cases: [string, object, string][] = [
      [id, {}, 'invalid_request'],
      [id, { format: 'caio-v1' }, 'invalid_request'],
      [id, { format: 7 }, 'invalid_request'],
      [id, { format: 'dtlic2', to: 'nobody' }, 'invalid_request'],
      [id, { format: 'dtlic2', to: 'a@example.com\r\nBcc: b@example.com' }, 'invalid_request'],
      [id, { format: 'dtlic2', to: 'a@example.com, b@example.com' }, 'invalid_request'],
      [id, { format: 'aegis' }, 'document_not_found'],
      ['no-such-licence', { format: 'dtlic2' }, 'license_not_found'],
      [revoked, { format: 'dtlic2' }, 'license_revoked'],
      [expired, { format: 'dtlic2' }, 'license_expired'],
      [mistyped, { format: 'dtlic2' }, 'invalid_request'],
    ];
    for (const [license, body, code] of cases)
      expect((await deliver(url, license, body)).body.code).toBe(code);
    expect(service.dumpStore()).toBe(before);
    expect(smtp.received).toEqual([]);
  });

  test('needs licenses:write, and a licence that the caller may touch', async () => {
    const id = await addLicense();
    const reader = await service.admin(['licenses:read']);
    const stranger = await service.admin(['licenses:write'], 'another');
    const owner = await service.admin(['licenses:write'], 'customer-1');
    expect((await deliver(url, id, undefined, { 'x-api-key': '' })).body.code).toBe('unauthenticated');
    expect((await deliver(url, id, undefined, reader)).body.code).toBe('forbidden');
    expect((await deliver(url, id, undefined, stranger)).body.code).toBe('license_not_found');
    expect((await deliver(url, id, undefined, owner)).body.sent).toBe(true);
    expect(smtp.received).toHaveLength(1);
  });
});
