/** `countersign audit verify` as an operator types it. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { auditPath } from '../../shared/records/paths.ts';
import { count } from '../support/audit-trail.ts';
import { startTestKms, type TestKms } from '../support/kms.ts';
import { startTestOperator, type TestOperator } from '../support/operator.ts';

let kms: TestKms;
let operator: TestOperator;

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());
beforeEach(async () => {
  operator = await startTestOperator(kms);
});
afterEach(() => operator.stop());

const verify = (...options: string[]) => operator.run(['audit', 'verify', ...options]);

test('of a store where nothing was done says so', async () => {
  expect(await verify()).toMatchObject({ code: 0, stdout: 'There are no events.\n', stderr: '' });
});

test('of a whole chain answers how long it is and its last hash, and exits with 0', async () => {
  for (let n = 0; n < 3; n++) await count(operator.store, 'x');
  await operator.run(['keys', 'publish', '--yes']);
  const { hash } = (await operator.audit())[3] ?? {};
  const { code, stdout, stderr } = await verify();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(`The chain is whole: 4 events, the last with the hash\n${hash}\n`);
  const answer = await verify('--json');
  expect(answer.code).toBe(0);
  expect(JSON.parse(answer.stdout)).toEqual({
    is_whole: true,
    events: 4,
    head: { seq: 4, hash },
    broken: null,
  });
});

test('of a broken chain says where and how, and exits with 1', async () => {
  for (let n = 0; n < 3; n++) await count(operator.store, 'x');
  await operator.store.commit([{ op: 'update', path: auditPath(2), fields: { actor: 'nobody' } }]);
  const sentence =
    'The audit trail is broken at event 2. The event was changed: its hash does not fit what it says.\n';
  const { code, stdout, stderr } = await verify();
  expect([code, stderr]).toEqual([1, sentence]);
  expect(stdout).toContain('whole up to there: 1 event,');
  const answer = await verify('--json');
  expect([answer.code, answer.stderr]).toEqual([1, sentence]);
  expect(JSON.parse(answer.stdout)).toMatchObject({
    is_whole: false,
    events: 1,
    broken: { fault: 'changed', seq: 2 },
  });
});

test('with a misspelt option is a wrong command line', async () => {
  expect((await verify('--jsn')).code).toBe(2);
});
