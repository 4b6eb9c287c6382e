/**
 * Reads JSON that came from outside, and refuses what two readers could understand differently.
 *
 * `JSON.parse` keeps the last of two equal keys, rounds 9007199254740993, reads 1e400 as Infinity and lets
 * lone surrogates through. Each of these would have us check one value and sign, store or forward another,
 * so the strict reader takes the interoperable subset only (RFC 8259 §4, §6, §8.2; I-JSON, RFC 7493 §2).
 *
 * ```ts
 * parseStrictJson('{"seats":5}');                           // { seats: 5 }
 * parseStrictJson('{"seats":5,"seats":500}');               // throws, code json_duplicate_key
 * parseStrictJson('{"seats":5.0}', { integersOnly: true }); // throws, code invalid_json
 * ```
 */

import { MAX_BODY_BYTES, MAX_JSON_DEPTH, MAX_JSON_DEPTH_CEILING } from '../constants.ts';
import { CountersignError } from '../errors.ts';
import { JsonReader } from './json-reader.ts';

/** A JSON object. Read-only: a rule that wants another document makes one. */
export type JsonObject = { readonly [key: string]: JsonValue };

/** Whatever JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface StrictJsonOptions {
  /** Bytes of UTF-8; `MAX_BODY_BYTES` unless told. */
  readonly maxBytes?: number;
  /** Levels of nesting; `MAX_JSON_DEPTH` unless told, and never above `MAX_JSON_DEPTH_CEILING`. */
  readonly maxDepth?: number;
  /**
   * Refuse, as `invalid_json`, every number written with a point, an exponent, or as `-0`.
   *
   * For documents whose signed bytes are rebuilt from received JSON: Python prints `1.0` and `1e5` as
   * `1.0` and `100000.0`, JavaScript as `1` and `100000`. No document of ours holds such a number, and
   * once parsed the difference is gone, so this is the last place that can see it.
   */
  readonly integersOnly?: boolean;
}

// `ignoreBOM` keeps a byte order mark in the text, where the grammar refuses it; without it the decoder
// would drop the mark silently. RFC 8259 §8.1 forbids senders to add one.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses one JSON text strictly.
 *
 * Objects are ordinary objects; a key `__proto__` is an ordinary own property. `-0`, in any spelling, is
 * read as `0`, because JSON writers print it as `0` and a signed value must survive the round trip. A
 * fraction too small for a double becomes `0`, as everywhere.
 *
 * @throws {CountersignError} the first fault in this order: `body_too_large`; `invalid_json` for invalid
 *   UTF-8 (a surrogate encoded as three bytes is one); then, in reading order, `invalid_json` for a syntax
 *   error, a byte order mark or empty input, `json_too_deep`, `json_duplicate_key` (compared after
 *   unescaping), `json_lone_surrogate` (raw or escaped, in keys or values), `json_non_finite_number`, and
 *   `json_unsafe_integer` for every number whose value lies beyond ±(2^53-1) however it is written (1e20,
 *   9007199254740993.0), because out there each double stands for several integers. The message gives an
 *   offset in UTF-16 code units and never quotes the input, which may hold secrets.
 */
export function parseStrictJson(input: Uint8Array | string, options: StrictJsonOptions = {}): JsonValue {
  const maxDepth = Math.min(options.maxDepth ?? MAX_JSON_DEPTH, MAX_JSON_DEPTH_CEILING);
  checkSize(input, options.maxBytes ?? MAX_BODY_BYTES);
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  return new JsonReader(text, maxDepth, options.integersOnly ?? false).read();
}

function checkSize(input: Uint8Array | string, maxBytes: number): void {
  if (byteLength(input, maxBytes) > maxBytes) {
    throw new CountersignError('body_too_large', `The JSON is larger than ${maxBytes} bytes. Send less.`);
  }
}

/** Bytes of UTF-8, or any number on the same side of `maxBytes` when that is cheaper to tell. */
function byteLength(input: Uint8Array | string, maxBytes: number): number {
  // A UTF-16 code unit takes one to three bytes of UTF-8, so most strings need no encoding to be judged.
  if (typeof input !== 'string' || input.length > maxBytes || input.length * 3 <= maxBytes)
    return input.length;
  return new TextEncoder().encode(input).length;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    const offset = firstInvalidByte(bytes);
    throw new CountersignError('invalid_json', `The JSON is not valid UTF-8 at byte ${offset}.`, { cause });
  }
}

/** How long the longest valid beginning is: a streaming decoder forgives a character cut off at the end. */
function firstInvalidByte(bytes: Uint8Array): number {
  let valid = 0;
  let invalid = bytes.length + 1;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    if (startsValid(bytes.subarray(0, middle))) valid = middle;
    else invalid = middle;
  }
  return valid;
}

function startsValid(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
