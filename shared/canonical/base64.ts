/**
 * Base64 and base64url (RFC 4648 §4 and §5), decoded strictly: one sequence of bytes has one spelling.
 *
 * `atob` and `Buffer` forgive white space, a wrong alphabet, missing padding and stray bits after the last
 * byte, so one signature could be presented in many spellings, and a ledger or a deny list that compares
 * text would miss it. Here everything but the spelling that the encoder writes decodes to `undefined`.
 *
 * ```ts
 * base64urlEncode(new Uint8Array([251, 255])); // '-_8'
 * base64urlDecode('-_8');                      // the same two bytes
 * base64urlDecode('-_9');                      // undefined: the last two bits are not zero
 * ```
 *
 * Written out because Node 24 has no `Uint8Array.fromBase64` yet.
 */

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

interface Alphabet {
  readonly digits: string;
  /** The value of each ASCII digit; 255 for every character outside the alphabet. */
  readonly values: Uint8Array;
  readonly padded: boolean;
}

const BASE64 = makeAlphabet(`${LETTERS_AND_DIGITS}+/`, true);
const BASE64URL = makeAlphabet(`${LETTERS_AND_DIGITS}-_`, false);

/** Standard alphabet, padded (RFC 4648 §4). */
export function base64Encode(bytes: Uint8Array): string {
  return encode(bytes, BASE64);
}

/** The bytes of a padded standard base64 text; `undefined` unless it is exactly as `base64Encode` writes it. */
export function base64Decode(text: string): Uint8Array<ArrayBuffer> | undefined {
  return decode(text, BASE64);
}

/** URL-safe alphabet, without padding (RFC 4648 §5; RFC 7515 §2). */
export function base64urlEncode(bytes: Uint8Array): string {
  return encode(bytes, BASE64URL);
}

/** The bytes of an unpadded base64url text; `undefined` unless it is exactly as `base64urlEncode` writes it. */
export function base64urlDecode(text: string): Uint8Array<ArrayBuffer> | undefined {
  return decode(text, BASE64URL);
}

function makeAlphabet(digits: string, padded: boolean): Alphabet {
  const values = new Uint8Array(128).fill(255);
  for (let value = 0; value < digits.length; value += 1) values[digits.charCodeAt(value)] = value;
  return { digits, values, padded };
}

function encode(bytes: Uint8Array, { digits, padded }: Alphabet): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const group = (byteAt(bytes, index) << 16) | (byteAt(bytes, index + 1) << 8) | byteAt(bytes, index + 2);
    text += digits.charAt(group >> 18) + digits.charAt((group >> 12) & 63);
    text += digits.charAt((group >> 6) & 63) + digits.charAt(group & 63);
  }
  // The last group was written whole; cut the digits that no byte stands behind.
  const surplus = (3 - (bytes.length % 3)) % 3;
  return text.slice(0, text.length - surplus) + (padded ? '='.repeat(surplus) : '');
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

function decode(text: string, alphabet: Alphabet): Uint8Array<ArrayBuffer> | undefined {
  const digits = alphabet.padded ? stripPadding(text) : text;
  // One digit alone carries six bits, which is no byte.
  if (digits === undefined || digits.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  return decodeInto(bytes, digits, alphabet.values) ? bytes : undefined;
}

/** The digits of a text padded to whole groups of four (RFC 4648 §3.2); further `=` fail as digits. */
function stripPadding(text: string): string | undefined {
  if (text.length % 4 !== 0) return undefined;
  if (text.endsWith('==')) return text.slice(0, -2);
  return text.endsWith('=') ? text.slice(0, -1) : text;
}

/** Fills `bytes`; false for a foreign character or for bits that no byte takes up (RFC 4648 §3.3, §3.5). */
function decodeInto(bytes: Uint8Array, digits: string, values: Uint8Array): boolean {
  let buffer = 0;
  let bits = 0;
  let length = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const value = values[digits.charCodeAt(index)] ?? 255;
    if (value === 255) return false;
    buffer = ((buffer << 6) | value) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length] = buffer >> bits;
      length += 1;
    }
  }
  return (buffer & ((1 << bits) - 1)) === 0;
}
