/** `countersign keys …` on keys of other systems: they can be ended like keys of our own, and sign nothing. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';
import { type ListedKey, startTestOperator, type TestOperator } from '../support/operator.ts';

const ED = 'EC_SIGN_ED25519';
const ISSUER = 'https://aegis.test';

let kms: TestKms;
let operator: TestOperator;
let kid: string;

const foreign = (more: object): ListedKey => {
  const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const row = { use: 'verify', pem, algorithm: ED, issuer: ISSUER, sunset_at: '2100-01-01T00:00:00Z' };
  return { ...row, ...more } as unknown as ListedKey;
};

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());

beforeEach(async () => {
  operator = await startTestOperator(kms, [
    { name: TEST_KEYS.ed25519, algorithm: ED },
    { name: TEST_KEYS.rsa, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', use: 'root' },
    foreign({ kid: 'old-aegis' }),
    foreign({}),
  ]);
  expect((await operator.run(['keys', 'publish', '--yes'])).code).toBe(0);
  const { stdout } = await operator.run(['keys', 'status', '--json']);
  kid = JSON.parse(stdout).keys[3].kid;
});
afterEach(() => operator.stop());

const end = (...args: string[]) => operator.run(['keys', ...args, '--yes']);
const foreignRows = () => operator.rows().filter(({ use }) => use === 'verify');
const published = async () => (await operator.manifest(TEST_KEYS.rsa))?.states ?? {};

test('compromise bars one at once, in the list and in the manifest, and is audited', async () => {
  expect((await published())['old-aegis']).toMatch(/^retiring until 2100/);
  const { code, stdout, stderr } = await end('compromise', 'old-aegis');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`old-aegis +retiring +compromised +${ISSUER}`));
  expect(foreignRows()[0]).toMatchObject({ kid: 'old-aegis', state: 'compromised', sunsetAt: undefined });
  expect(await published()).toMatchObject({
    'old-aegis': 'compromised',
    [kid]: expect.stringMatching(/^retiring/),
  });
  expect((await operator.audit()).at(-1)).toMatchObject({
    action: 'keys.compromise',
    target: 'old-aegis',
    before: [{ kid: 'old-aegis', state: 'retiring' }],
    after: [{ kid: 'old-aegis', state: 'compromised' }],
  });
  expect((await end('compromise', 'old-aegis')).stdout).toContain('Nothing to do');
  expect((await end('retire', 'old-aegis')).stderr).toBe('This key is compromised, which is final.\n');
});

test('retire ends one that is called by the beginning of its thumbprint', async () => {
  const { code, stdout, stderr } = await end('retire', `kid=${kid.slice(0, 8)}`);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`${kid}: 0 documents on record, refused from now on, and not from 2100-01-01`);
  expect(foreignRows().map((row) => 'state' in row && row.state)).toEqual(['retiring', 'retired']);
  expect((await published())[kid]).toBe('retired');
});

test('nothing else can be done with one, and nobody takes over from it', async () => {
  const before = await operator.everything();
  const signsNothing = `This is a key of ${ISSUER}, which signs nothing here. It can be retired or compromised.\n`;
  expect((await end('activate', 'old-aegis')).stderr).toBe(signsNothing);
  expect((await end('rollback', 'old-aegis')).stderr).toBe(signsNothing);
  expect((await end('compromise', 'old-aegis', '--successor', kid)).stderr).toBe(
    'This key does not sign, so nothing has to take over.\n',
  );
  expect((await end('compromise', 'old-aegis', '--disable-version')).stderr).toBe(
    `old-aegis is a key of ${ISSUER}, and in no KMS of ours. Leave --disable-version out.\n`,
  );
  expect(await operator.everything()).toBe(before);
});
