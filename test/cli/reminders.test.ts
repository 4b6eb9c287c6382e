/** `countersign reminders --send`: who was written to, what a failure leaves, and the same command after it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createMailer } from '../../infra/mail.ts';
import { lettersTo } from '../../scripts/cli/licenses/reminders.ts';
import { createAdminClient } from '../../shared/client/admin-client.ts';
import { countersignOn } from '../support/countersign.ts';
import { deskOn } from '../support/license-desk.ts';
import { type Instance, serveBeside } from '../support/serve-beside.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { startSmtpServer, type TestSmtp } from '../support/smtp.ts';

let service: TestService;
let smtp: TestSmtp;
let mailing: Instance;
let apiKey: string;
const { issued, openDesk } = deskOn(() => service);
const { run } = countersignOn(() => ({ url: mailing.baseUrl, apiKey }));

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  apiKey = (await service.admin())['x-api-key'];
  await openDesk();
  smtp = await startSmtpServer();
  const from = 'licences@example.com';
  const mailer = createMailer({ url: `smtp://127.0.0.1:${smtp.port}`, from, deadlineMs: 20_000 });
  mailing = await serveBeside(service, { mailer });
});
afterAll(async () => {
  await mailing.stop();
  await smtp.stop();
  await service.stop();
});
beforeEach(() => {
  smtp.behave({});
  smtp.received.length = 0;
});

const ending = async (email: string, days: number): Promise<string> => {
  const wanted = { license_type: 'subscription', duration_days: days, holder: { name: 'Zoë', email } };
  return (await issued(wanted)).id;
};
const send = (...more: string[]) => run(['reminders', '--days', '30', '--send', '--json', ...more]);
const receivers = () => smtp.received.flatMap(({ to }) => to);

describe('reminders --send', () => {
  test('without a mail server writes to nobody, says so and ends with 1', async () => {
    await ending('first@example.com', 5);
    const { code, stderr } = await run(['reminders', '--days', '30', '--send'], { url: service.baseUrl });
    expect([code, stderr]).toEqual([1, expect.stringContaining('has no mail server')]);
    expect(receivers()).toEqual([]);
  });

  test('writes to those whose licences end within the days, says to whom, and writes once', async () => {
    const second = await ending('second@example.com', 20);
    await ending('later@example.com', 40);
    const first = await send();
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(JSON.parse(first.stdout)).toMatchObject({ days: 30, sent: 2, already_sent: 0, failed: 0 });
    expect(JSON.parse(first.stdout).reminders.at(-1)).toMatchObject({
      license_id: second,
      email: 'second@example.com',
      outcome: 'sent',
    });
    expect(receivers()).toEqual(['first@example.com', 'second@example.com']);
    const again = await run(['reminders', '--days', '30', '--send']);
    expect([again.code, again.stdout]).toEqual([
      0,
      expect.stringContaining('0 sent, 2 sent before, 0 failed.'),
    ]);
    expect(receivers()).toHaveLength(2);
  });

  test('goes on after a letter that is refused, ends with 1, and sends that one alone when it is given again', async () => {
    await ending('third@example.com', 6);
    smtp.behave({ refuse: { at: 'to', code: 550 } });
    const failed = await send();
    expect(failed.code).toBe(1);
    const { reminders, ...totals } = JSON.parse(failed.stdout);
    expect(totals).toEqual({ days: 30, sent: 0, already_sent: 2, failed: 1 });
    expect(reminders.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'already_sent',
      'mail_refused',
      'already_sent',
    ]);
    smtp.behave({});
    const again = await send();
    expect([again.code, JSON.parse(again.stdout).sent]).toEqual([0, 1]);
    expect(receivers()).toEqual(['third@example.com']);
  });

  test('gives up when the mail server takes none of three letters in a row', async () => {
    const ids = await Promise.all([1, 2, 3, 4].map((place) => ending(`put-off-${place}@example.com`, 8)));
    const reminders = ids.map((id) => ({ license_id: id, customer_name: '', email: null, expires_at: '' }));
    const hurried = { baseUrl: mailing.baseUrl, apiKey, attempts: 2, pause: async () => {} };
    const tried: string[] = [];
    const sending = async () => {
      for await (const { outcome } of lettersTo(createAdminClient(hurried), reminders)) tried.push(outcome);
    };
    smtp.behave({ refuse: { at: 'to', code: 451 } });
    await expect(sending()).rejects.toThrow('The mail server took none of the last 3 letters.');
    expect(tried).toEqual(Array(3).fill('mail_unavailable'));
    smtp.behave({});
    tried.length = 0;
    await sending();
    expect(tried).toEqual(Array(4).fill('sent'));
    expect(receivers()).toHaveLength(4);
  });

  test('counts a letter of which nobody knows as failed, and does not send it again', async () => {
    await ending('fourth@example.com', 7);
    smtp.behave({ diesAfterData: true });
    expect((await send()).code).toBe(1);
    smtp.behave({});
    const again = await send();
    expect([again.code, JSON.parse(again.stdout).failed]).toEqual([1, 1]);
    expect(receivers()).toEqual(['fourth@example.com']);
  });
});
