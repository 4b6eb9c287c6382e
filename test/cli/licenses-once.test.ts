/** Commands that write a licence, given again after a failure: what was done is not done twice, and what was not is done. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { countersignOn } from '../support/countersign.ts';
import { DAY, deskOn, of } from '../support/license-desk.ts';
import { loseAnswers } from '../support/lost-answers.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let apiKey: string;
let between: Awaited<ReturnType<typeof loseAnswers>>;
const { events, issued, openDesk, operator } = deskOn(() => service);
const { run, answered } = countersignOn(() => ({ url: service.baseUrl, apiKey }));

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 15_000 });
  apiKey = (await service.admin())['x-api-key'];
  between = await loseAnswers(service.baseUrl);
  await openDesk();
});
afterEach(() => service.kms.setFault(null));
afterAll(async () => {
  await between.stop();
  await service.stop();
});

const keyIn = (stderr: string) => /--idempotency-key (\S+):/.exec(stderr)?.[1];
const TERMS = ['--type', 'subscription', '--days', '365', '--versions', '16'];

test.each([
  ['renew', ['--days', '365'], 'licenses.renew'],
  ['change', ['--versions', '18'], 'licenses.change'],
  ['transfer', ['--customer', 'other-co'], 'licenses.transfer'],
  ['suspend', ['--reason', 'unpaid'], 'licenses.suspend'],
  ['revoke', ['--reason', 'left', '--yes'], 'licenses.revoke'],
])(
  '%s whose answer is lost says how to give it again, and is carried out once',
  async (verb, options, action) => {
    const { id } = await issued();
    const command = ['licenses', verb, id, ...options, '--json'];
    const lost = await run(command, { url: between.url });
    expect([lost.code, lost.stdout]).toEqual([1, '']);
    const again = await run([...command, '--idempotency-key', keyIn(lost.stderr) ?? '']);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect((await events(id)).filter((event) => event.action === action)).toHaveLength(1);
  },
);

test('issue whose answer is lost says how to give it again, and answers that licence', async () => {
  const command = ['licenses', 'issue', '--customer', 'acme-gmbh', '--module', 'lost', ...TERMS];
  const lost = await run(command, { url: between.url });
  expect(lost.code).toBe(1);
  const issuedThen = await answered(...command, '--idempotency-key', keyIn(lost.stderr) ?? '');
  const { licenses } = await answered('licenses', 'list', '--module', 'lost');
  expect(licenses.map(({ id }: { id: string }) => id)).toEqual([issuedThen.id]);
});

test('a renewal that could not be signed was not done: given twice and then again, it renews once', async () => {
  const { id, expires_at } = await issued();
  const renew = ['licenses', 'renew', id, '--days', '365'];
  await service.kms.setFault({ kind: 'permission_denied' });
  const failures = await Promise.all([run(renew), run(renew)]);
  for (const { code, stderr } of failures) {
    expect([code, stderr]).toEqual([1, expect.stringContaining('(signing_unavailable)')]);
    expect(keyIn(stderr)).toBeUndefined();
  }
  await service.kms.setFault(null);
  expect((await run(renew)).code).toBe(0);
  const { body } = await operator('GET', of(id));
  expect((Date.parse(body.expires_at) - Date.parse(expires_at)) / DAY).toBe(365);
});

test('what is refused says no way to go on', async () => {
  const { code, stderr } = await run(['licenses', 'renew', 'no-such-licence', '--days', '1']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('(license_not_found)')]);
  expect(keyIn(stderr)).toBeUndefined();
});
