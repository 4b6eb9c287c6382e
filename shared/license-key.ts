/**
 * Licence keys: `DEMO-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX`, a prefix per product, 130 random bits in Crockford's
 * base32 and a 20-bit checksum. People type them: case, missing hyphens and look-alikes (O for 0, I and L for 1)
 * do not matter, and a single wrong character or two swapped neighbours are caught before a look-up.
 *
 * DataTools keys are `DT1-CORE-5dd8e1db-d90c4656`: a tier and 64 random bits, without a checksum. They too are the same however
 * they are typed.
 *
 * An operator may bring a key of another shape; it is taken as it is.
 */
import { hex } from './canonical/hex.ts';
import type { Random } from './ports/random.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RANDOM_SYMBOLS = 26;
const CHECK_SYMBOLS = 4;
/** The largest prime below 2^20: a weighted sum modulo a prime catches every single error and every swap. */
const CHECK_MODULUS = 1_048_573;
/** With hyphens where people put them, or with none at all: then the last 30 characters are the symbols. */
const SHAPE = /^(?:([A-Z][A-Z0-9]{1,11})-((?:[0-9A-Z]-?){30})|([A-Z][A-Z0-9]{1,11})([0-9A-Z]{30}))$/;
const DATATOOLS_SHAPE = /^DT[1IL]-?(LITE|CORE|PRO)-?([0-9A-FOIL]{8})-?([0-9A-FOIL]{8})$/i;
const DATATOOLS_BYTES = 8;
const LOOK_ALIKES: Readonly<Record<string, string>> = { O: '0', I: '1', L: '1' };

/**
 * A new key for a product.
 * @param prefix 2 to 12 characters of A-Z and 0-9, the first a letter.
 */
export function generateLicenseKey(prefix: string, random: Random): string {
  const symbols = [...random.bytes(RANDOM_SYMBOLS)]
    .map((byte) => ALPHABET.charAt(byte % ALPHABET.length))
    .join('');
  const key = format(prefix, symbols + checksum(prefix, symbols));
  if (!SHAPE.test(key)) throw new TypeError(`"${prefix}" is not a licence key prefix`);
  return key;
}

/** A new key for the buyer of a tier of a DataTools product. */
export function generateDatatoolsKey(tier: 'lite' | 'core' | 'pro', random: Random): string {
  const digits = hex(random.bytes(DATATOOLS_BYTES));
  return `DT1-${tier.toUpperCase()}-${digits.slice(0, 8)}-${digits.slice(8)}`;
}

/** Whether a key has 64 random bits at most: enough for a document, too few for seats that anybody may take who has it. */
export function isDatatoolsKey(typed: string): boolean {
  return DATATOOLS_SHAPE.test(typed.trim());
}

/** Fewer letters and digits than these are guessed in an afternoon, and `---` has none. */
export const MIN_KEY_SYMBOLS = 8;
const SYMBOL = /[\p{L}\p{N}]/gu;

/** Whether a key has as many letters and digits as one must have that opens anything. */
export function isGuessProof(typed: string): boolean {
  return (normalizeLicenseKey(typed).match(SYMBOL) ?? []).length >= MIN_KEY_SYMBOLS;
}

/** The form of a key that is hashed: what the operator's generator wrote, however it was typed. */
export function normalizeLicenseKey(typed: string): string {
  const key = typed.trim();
  const [, tier, ...halves] = DATATOOLS_SHAPE.exec(key) ?? [];
  if (tier !== undefined)
    return ['DT1', tier.toUpperCase(), ...halves.map((half) => withDigits(half).toLowerCase())].join('-');
  const { prefix, symbols } = split(key) ?? {};
  if (prefix === undefined || symbols === undefined || !isIntact(prefix, symbols)) return key;
  return format(prefix, symbols);
}

/** Whether a text is a key as this product makes them. An operator's own key can be any text. */
export function isGeneratedKey(text: string): boolean {
  return isDatatoolsKey(text) || (split(text.trim()) !== undefined && !isMistyped(text));
}

/** True when a key has the shape of ours but its checksum is wrong: somebody mistyped it. */
export function isMistyped(typed: string): boolean {
  const parts = split(typed.trim());
  return parts !== undefined && !isIntact(parts.prefix, parts.symbols);
}

function split(key: string): { prefix: string; symbols: string } | undefined {
  const [, hyphened, groups, plain, symbols] = SHAPE.exec(key.toUpperCase()) ?? [];
  const [prefix, body] = [hyphened ?? plain, groups ?? symbols];
  if (prefix === undefined || body === undefined) return undefined;
  return {
    prefix,
    symbols: withDigits(body.replaceAll('-', '')),
  };
}

function withDigits(typed: string): string {
  return typed.toUpperCase().replace(/[OIL]/g, (letter) => LOOK_ALIKES[letter] ?? letter);
}

function isIntact(prefix: string, symbols: string): boolean {
  return checksum(prefix, symbols.slice(0, RANDOM_SYMBOLS)) === symbols.slice(RANDOM_SYMBOLS);
}

function checksum(prefix: string, symbols: string): string {
  let sum = 0;
  for (const character of prefix + symbols) sum = (sum * 37 + character.charCodeAt(0)) % CHECK_MODULUS;
  let text = '';
  for (let i = 0; i < CHECK_SYMBOLS; i++) {
    text = ALPHABET.charAt(sum % 32) + text;
    sum = Math.floor(sum / 32);
  }
  return text;
}

function format(prefix: string, symbols: string): string {
  return [prefix, ...(symbols.match(/.{5}/g) ?? [])].join('-');
}
