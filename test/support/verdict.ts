/** What a client that trusts the keys of `signed-documents.ts` says about a document, as one word. */
import { expect } from 'vitest';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import { type VerificationOptions, verifyDocument } from '../../shared/client/verify.ts';
import type { VerificationCode } from '../../shared/verification.ts';
import { NOW } from './records.ts';
import { trusted } from './signed-documents.ts';

/** `valid`, or the code of the refusal. */
export async function verdict(
  document: string | object,
  options: Partial<VerificationOptions> = {},
): Promise<VerificationCode | 'valid'> {
  const result = await verifyDocument(document as string | JsonObject, {
    keys: trusted,
    now: NOW,
    ...options,
  });
  if (result.valid) return 'valid';
  expect(result.detail).not.toBe('');
  return result.code;
}
