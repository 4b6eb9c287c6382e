/** The list of keys with the fingerprint of each, so that commands can name a key by its kid. */
import { isSigningKey, type RegisteredKey, type SigningKey } from '../../../shared/keys/registry.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import type { KeyList } from '../../../shared/ports/key-list.ts';

/**
 * Reads what has no fingerprint yet from its KMS; writing the list pins it for good.
 * @param kidOf rejects for a key that cannot be read; that one stays without
 */
export function pinnedList(list: KeyList, kidOf: (key: SigningKey) => Promise<string>): KeyList {
  return {
    read: async () => Promise.all((await list.read()).map((key) => pin(key, kidOf))),
    write: (keys) => list.write(keys),
  };
}

async function pin(key: RegisteredKey, kidOf: (key: SigningKey) => Promise<string>): Promise<RegisteredKey> {
  if (!isSigningKey(key) || key.fingerprint !== undefined) return key;
  try {
    return { ...key, fingerprint: await kidOf(key) };
  } catch {
    // Out of reach now: it cannot be named by its kid, and the others can.
    return key;
  }
}

/** May be written before a kid: one that begins with a hyphen is no option then. */
export const KID_MARK = 'kid=';

/** The shortest beginning of a kid that is taken for the whole. */
const MIN_PREFIX = 6;

/**
 * The kid that an operator has typed, in full or its beginning.
 * @throws OperatorError when no key has it, or several do
 */
export function resolveKid(keys: readonly RegisteredKey[], given: string): string {
  const typed = given.startsWith(KID_MARK) ? given.slice(KID_MARK.length) : given;
  const kids = keys.flatMap((key) =>
    isSigningKey(key) && key.fingerprint !== undefined ? [key.fingerprint] : [],
  );
  const found = kids.filter((kid) => kid === typed || (typed.length >= MIN_PREFIX && kid.startsWith(typed)));
  const [kid] = found;
  if (kid === undefined)
    throw new OperatorError(`No key has a kid that begins with ${typed}. See: countersign keys status`);
  if (found.length > 1)
    throw new OperatorError(`Several keys have a kid that begins with ${typed}. Give more of it.`);
  return kid;
}
