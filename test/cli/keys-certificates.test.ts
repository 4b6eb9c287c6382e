/** Certificates that cannot be made: no manifest says what the list does not say, and no stack is shown. */
import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';
import { startTestOperator, TEST_ARNS, type TestOperator } from '../support/operator.ts';

const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';
const ROOT = { name: TEST_ARNS.rsa, algorithm: RSA, use: 'root' };
/** 66 characters. */
const LONG_ISSUER = `https://${'licensing.'.repeat(5)}example/`;

let kms: TestKms;
let operator: TestOperator;

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());
beforeEach(async () => {
  operator = await startTestOperator(kms, [{ name: TEST_KEYS.rsa, algorithm: RSA }, ROOT]);
});
afterEach(() => operator.stop());

const KEY = TEST_KEYS.rsa.replace(/\/cryptoKeyVersions.*/, '');
const stage = (issuer: string) =>
  operator.run(['keys', 'stage', '--new-version-of', KEY, '--yes'], { ISSUER: issuer });

test('an ISSUER that is longer than names in certificates may be is cut off there', async () => {
  expect(LONG_ISSUER).toHaveLength(66);
  const { code, stderr } = await stage(LONG_ISSUER);
  expect([code, stderr]).toEqual([0, '']);
  const kid = await operator.kidOf(`${KEY}/cryptoKeyVersions/2`);
  expect(operator.states()[`${KEY}/cryptoKeyVersions/2`]).toBe('staged');
  expect((await operator.manifest(ROOT.name))?.states[kid]).toBe('staged');
  const [found] = await operator.store.get([`signing_keys/${kid}`]);
  const { subject } = new X509Certificate(String(found?.fields.chain));
  expect(subject).toBe(`O=${LONG_ISSUER.slice(0, 63)}…\nCN=${kid}`);
});

test('an ISSUER that no certificate may name is a sentence, and nothing is changed', async () => {
  const before = await operator.everything();
  const { code, stderr } = await stage('first\u0007second');
  expect([code, stderr]).toEqual([
    1,
    'The issuer must be a name of well-formed Unicode without control characters.\n',
  ]);
  expect(await operator.everything()).toBe(before);
});
