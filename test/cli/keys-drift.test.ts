/** A list that was changed by hand: whatever publishes it says first what that changes, asks, and leaves it in the audit trail. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';
import { startTestOperator, type TestOperator } from '../support/operator.ts';

const ROOT = TEST_KEYS.rsa;
const ASKED = 'Nothing was changed: nobody can be asked here. Give --yes to go ahead.\n';

let kms: TestKms;
let operator: TestOperator;
let keys = 0;
let kid: string;
let leaked: { name: string; kid: string };
/** Both forgotten in the list, each in its way. */
let gone: string;

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());

beforeEach(async () => {
  operator = await startTestOperator(kms);
  keys += 1;
  kid = await operator.kidOf(TEST_KEYS.ed25519);
  const [name, other] = [await operator.newKey(`leaked-${keys}`), await operator.newKey(`gone-${keys}`)];
  leaked = { name, kid: await operator.kidOf(name) };
  gone = await operator.kidOf(other);
  const staged = { algorithm: 'EC_SIGN_ED25519', state: 'staged' };
  const list = JSON.parse(JSON.stringify(operator.rows()));
  operator.write([...list, { ...staged, name }, { ...staged, name: other }]);
  expect((await operator.run(['keys', 'publish', '--yes'])).code).toBe(0);
  operator.write([...list, { ...staged, name, state: 'compromised', fingerprint: leaked.kid } as never]);
});
afterEach(() => operator.stop());

const CHANGES = () =>
  new RegExp(
    [
      'KID +FROM +TO +NAME',
      `${leaked.kid} +staged +compromised +${leaked.name}`,
      `${gone} +staged +\\(not listed\\)`,
    ].join('\\n'),
  );

test.each([
  ['activate', 'keys.activate'],
  ['publish', 'keys.publish'],
])('keys %s shows the difference, and changes nothing unless it is confirmed', async (command, action) => {
  const args = ['keys', command, ...(command === 'activate' ? [kid] : [])];
  const before = await operator.everything();
  const unasked = await operator.run(args);
  expect([unasked.code, unasked.stderr]).toEqual([3, ASKED]);
  expect(unasked.stdout).toMatch(CHANGES());
  const asJson = await operator.run([...args, '--json']);
  expect([asJson.code, asJson.stdout]).toEqual([3, '']);
  expect(asJson.stderr).toMatch(CHANGES());
  expect(await operator.everything()).toBe(before);

  const confirmed = await operator.run([...args, '--yes', '--json']);
  expect([confirmed.code, confirmed.stderr]).toEqual([0, '']);
  const answer = JSON.parse(confirmed.stdout);
  expect(answer.manifest_version).toBe(2);
  if (command === 'activate')
    expect(answer.changes).toEqual([
      { kid: leaked.kid, from: 'staged', to: 'compromised', sunset_at: null },
      { kid: gone, from: 'staged', to: null, sunset_at: null },
    ]);
  expect((await operator.manifest(ROOT))?.states).toEqual({ [kid]: 'active', [leaked.kid]: 'compromised' });
  expect((await operator.audit()).at(-1)).toMatchObject({
    action,
    before: [
      { kid: leaked.kid, state: 'staged' },
      { kid: gone, state: 'staged' },
    ],
    after: [
      { kid: leaked.kid, state: 'compromised' },
      { kid: gone, state: null },
    ],
  });
  const version = (await operator.manifest(ROOT))?.version;
  expect((await operator.run(['keys', 'activate', kid])).stdout).toContain('Nothing to do');
  expect((await operator.manifest(ROOT))?.version).toBe(version);
});
