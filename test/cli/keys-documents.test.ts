/** Before a key is ended, the command says how many documents end with it, and when; one that is over does not come back. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestKms, type TestKms } from '../support/kms.ts';
import type { TestOperator } from '../support/operator.ts';
import { ACTIVE, type BeforeRotation, carryOut, startBeforeRotation } from '../support/rotation-operator.ts';
import { seedDocuments } from '../support/seed-documents.ts';

const LICENSES = { licenses: 3, barredEvery: 100, twoFormatsEvery: 100 };
/** The first of the three has a second document. */
const DOCUMENTS = 4;

let kms: TestKms;
let operator: TestOperator;
let next: BeforeRotation['next'];
let kid: string;

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());
beforeEach(async () => {
  ({ operator, next, kid } = await startBeforeRotation(kms));
  await seedDocuments({ store: operator.store, kms, key: { name: ACTIVE.name, kid } }, LICENSES);
  await carryOut(operator, ['stage', '--name', next.name]);
});
afterEach(() => operator.stop());

test('activate and retire say it before they ask', async () => {
  const activate = ['keys', 'activate', next.kid, '--urgent', '--sunset-days', '10'];
  const unasked = await operator.run(activate);
  expect(unasked.code).toBe(3);
  const [, sunset] =
    new RegExp(`\\n${kid}: ${DOCUMENTS} documents on record, refused from (\\S+) on\\.\\n`).exec(
      unasked.stdout,
    ) ?? [];
  expect(Date.parse(sunset ?? '') - Date.now()).toBeGreaterThan(9 * 86_400_000);
  expect((await operator.run([...activate, '--yes'])).code).toBe(0);
  expect((await operator.audit()).at(-1)).toMatchObject({
    after: [{ kid, state: 'retiring', documents: DOCUMENTS }, { kid: next.kid }],
  });

  const retire = await operator.run(['keys', 'retire', kid]);
  expect(retire.code).toBe(3);
  expect(retire.stdout).toMatch(
    new RegExp(
      `\\n${kid}: ${DOCUMENTS} documents on record, refused from now on, and not from \\S+ on\\.\\n`,
    ),
  );
});

test('a key whose end has passed is not gone back to', async () => {
  await carryOut(operator, ['activate', next.kid, '--urgent']);
  const rows = JSON.parse(JSON.stringify(operator.rows()));
  const listed = rows.map(({ sunsetAt, ...row }: { sunsetAt?: number }) =>
    sunsetAt === undefined ? row : { ...row, sunset_at: new Date(Date.now() - 1000).toISOString() },
  );
  operator.write(listed);
  const before = await operator.everything();
  const { code, stderr } = await operator.run(['keys', 'rollback', kid, '--yes']);
  expect([code, stderr]).toEqual([
    1,
    'The end of this key has passed, and its documents are refused: they would hold again. Stage another key: countersign keys stage\n',
  ]);
  expect(await operator.everything()).toBe(before);
});
