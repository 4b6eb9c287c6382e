/** What has become of the key of a document that is on record. */
import { decideKey } from '../decide/key.ts';
import type { KeyDirectory } from '../ports/key-directory.ts';
import type { VerificationCode } from '../verification.ts';

/**
 * Why a key vouches for nothing now, or undefined when it does.
 * @throws CountersignError `signing_unavailable`
 */
export async function keyProblem(
  keys: Pick<KeyDirectory, 'find'>,
  kid: string,
  now: number,
): Promise<VerificationCode | undefined> {
  const key = await keys.find(kid);
  return key === undefined ? 'unknown_key' : decideKey(key.state, key.sunsetAt, now);
}
