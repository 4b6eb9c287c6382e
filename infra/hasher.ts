import { createHmac } from 'node:crypto';
import type { Hasher } from '../shared/ports/hasher.ts';

const HEX_CHARACTERS = 32;

/** HMAC-SHA-256 under the pepper. The domain and the text are separated by a byte that neither ends with. */
export function createHasher(pepper: string): Hasher {
  return {
    hash: (domain, text) =>
      createHmac('sha256', pepper)
        .update(`${domain}\0${text}`, 'utf8')
        .digest('hex')
        .slice(0, HEX_CHARACTERS),
  };
}
