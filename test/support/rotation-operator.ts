/**
 * An operator who is about to rotate: an active key, a root in the other cloud, which can be slow or out of reach alone, and
 * a key that is next.
 */
import { expect } from 'vitest';
import { TEST_KEYS, type TestKms } from './kms.ts';
import { startTestOperator, TEST_ARNS, type TestOperator } from './operator.ts';

export const ACTIVE = { name: TEST_KEYS.ed25519, algorithm: 'EC_SIGN_ED25519' };
export const ROOT = { name: TEST_ARNS.rsa, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', use: 'root' };

export interface BeforeRotation {
  readonly operator: TestOperator;
  readonly next: { readonly name: string; readonly kid: string };
  /** Of the active key. */
  readonly kid: string;
}

let keys = 0;

export async function startBeforeRotation(kms: TestKms): Promise<BeforeRotation> {
  const operator = await startTestOperator(kms, [ACTIVE, ROOT]);
  keys += 1;
  const name = await operator.newKey(`next-${keys}`);
  const [nextKid, kid] = [await operator.kidOf(name), await operator.kidOf(ACTIVE.name)];
  return { operator, next: { name, kid: nextKid }, kid };
}

/** `countersign keys …args --yes`, which must succeed. */
export async function carryOut(operator: TestOperator, args: readonly string[]): Promise<void> {
  const { code, stderr } = await operator.run(['keys', ...args, '--yes']);
  expect([code, stderr]).toEqual([0, '']);
}
