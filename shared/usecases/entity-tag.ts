/** Entity tags (RFC 9110 §8.8.3): whoever changes an object can demand that it is still the one that they saw. */
import { hex } from '../canonical/hex.ts';
import { canonicalJsonBytes } from '../canonical/jcs.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { CountersignError } from '../errors.ts';

/**
 * The strong tag of an answer, quoted: 128 bits of the SHA-256 over its canonical JSON. It is made of the content, so the
 * answer to a change has it without another read, and the answer to a repeated request has the same one.
 */
export async function entityTag(answer: JsonObject): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', canonicalJsonBytes(answer));
  return `"${hex(new Uint8Array(digest).subarray(0, 16))}"`;
}

/**
 * @param ifMatch `If-Match` as it was sent: `*`, or a list of tags; undefined when any object will do
 * @throws CountersignError `precondition_failed`
 */
export async function requireMatch(ifMatch: string | undefined, answer: JsonObject): Promise<void> {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const tags = ifMatch.split(',').map((tag) => tag.trim());
  if (tags.includes(await entityTag(answer))) return;
  throw new CountersignError(
    'precondition_failed',
    'It was changed since you read it. Read it again, then decide.',
  );
}
