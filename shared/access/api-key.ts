/**
 * Operators' API keys: `csk_` and 256 random bits in base64url. The letters after `cs` say what a key is for, so that whoever finds
 * one in a log or a repository knows what it opens.
 */
import { base64urlEncode } from '../canonical/base64.ts';
import type { Random } from '../ports/random.ts';

const KEY_BYTES = 32;
const SHAPE = /^(cs[a-z]{1,8}_[A-Za-z0-9_-]{8})[A-Za-z0-9_-]{35}$/;
const PREFIX_SHAPE = /^cs[a-z]{1,8}_[A-Za-z0-9_-]{8}$/;

export function generateApiKey(random: Random): string {
  return `csk_${base64urlEncode(random.bytes(KEY_BYTES))}`;
}

/** The type and the first 8 characters: names a key, opens nothing. Undefined for what is no API key. */
export function prefixOf(apiKey: string): string | undefined {
  return SHAPE.exec(apiKey)?.[1];
}

export function isApiKeyPrefix(text: string): boolean {
  return PREFIX_SHAPE.test(text);
}
