/** The list of keys with the public key of each, so that commands can name a key by its kid, and lists outlive a KMS. */

import { jwkFromPem, thumbprint } from '../../../infra/kms/public-key.ts';
import { foreignRecord } from '../../../infra/kms/registered-keys.ts';
import { isAlias, isSigningKey, type RegisteredKey, type SigningKey } from '../../../shared/keys/registry.ts';
import { isBarred } from '../../../shared/keys/states.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import type { KeyList } from '../../../shared/ports/key-list.ts';
import { KID_MARK } from './kid-argument.ts';

/** What a key is pinned with. */
export type Pin = Pick<SigningKey, 'fingerprint' | 'pem'>;

/**
 * Reads what is not pinned yet from its KMS; writing the list pins it for good.
 * @param pinOf rejects for a key that cannot be read; that one stays without
 */
export function pinnedList(list: KeyList, pinOf: (key: SigningKey) => Promise<Pin>): KeyList {
  return {
    read: async () => Promise.all((await list.read()).map((key) => pin(key, pinOf))),
    write: (keys) => list.write(keys),
  };
}

async function pin(key: RegisteredKey, pinOf: (key: SigningKey) => Promise<Pin>): Promise<RegisteredKey> {
  if (key.use === 'verify') return { ...key, kid: foreignRecord(key).kid };
  if (!isSigningKey(key) || isPinned(key)) return key;
  try {
    const pinned = { ...key, ...(await pinOf(key)) };
    // Another key than the list says is not used, and does not become the one that it says.
    return (key.fingerprint ?? pinned.fingerprint) === pinned.fingerprint ? pinned : key;
  } catch {
    // Out of reach now: it cannot be named by its kid, and the others can.
    return key;
  }
}

/** An alias may be moved, so it is pinned by the kid alone. */
export function pinOf(
  name: string,
  { pem }: { readonly pem: string },
): Pin & { readonly fingerprint: string } {
  const fingerprint = thumbprint(jwkFromPem(pem));
  return isAlias(name) ? { fingerprint } : { fingerprint, pem };
}

/** Of a key that is over the public key is not needed, and an alias has none of its own. */
function isPinned({ fingerprint, pem, state, name }: SigningKey): boolean {
  return fingerprint !== undefined && (pem !== undefined || isBarred(state) || isAlias(name));
}

/** As `keys status` shows it; undefined when it is not known. */
export function listedKid(key: RegisteredKey): string | undefined {
  if (isSigningKey(key)) return key.fingerprint;
  return key.use === 'verify' ? foreignRecord(key).kid : undefined;
}

/** The shortest beginning of a kid that is taken for the whole. */
const MIN_PREFIX = 6;

/**
 * The kid that an operator has typed, in full or its beginning.
 * @throws OperatorError when no key has it, or several do
 */
export function resolveKid(keys: readonly RegisteredKey[], given: string): string {
  const typed = given.startsWith(KID_MARK) ? given.slice(KID_MARK.length) : given;
  const kids = keys.flatMap((key) => listedKid(key) ?? []);
  const found = kids.filter((kid) => kid === typed || (typed.length >= MIN_PREFIX && kid.startsWith(typed)));
  const [kid] = found;
  if (kid === undefined) throw new OperatorError(nothingFound(keys, typed));
  if (found.length > 1)
    throw new OperatorError(`Several keys have a kid that begins with ${typed}. Give more of it.`);
  return kid;
}

function nothingFound(keys: readonly RegisteredKey[], typed: string): string {
  const silent = keys.filter((key) => isSigningKey(key) && key.fingerprint === undefined);
  const names = silent.map(
    (key) => `\nNot known is the kid of ${(key as SigningKey).name}, which its KMS does not give.`,
  );
  return `No key has a kid that begins with ${typed}. See: countersign keys status${names.join('')}`;
}
