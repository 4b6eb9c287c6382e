/**
 * The JSON Canonicalization Scheme (JCS, RFC 8785): one value, one sequence of bytes, so that a signature
 * over the bytes is a signature over the value. Payloads of JWS licences and of signed blobs use it.
 *
 * ```ts
 * canonicalJson({ seats: 5, name: 'Ada' }); // {"name":"Ada","seats":5}
 * ```
 *
 * RFC 8785 takes number and string literals from ECMAScript's `JSON.stringify` (§3.2.2) and the order of
 * keys from its default sort (§3.2.3), so what remains is the walk, which is ours (`json-writer.ts`): the
 * npm package `canonicalize` formats the same bytes, but drops members that are `undefined`, writes holes as
 * `null` and calls `toJSON`, and guarding it would take a walk of its own. The tests compare the two.
 */

import { type CanonicalDialect, writeCanonical } from './json-writer.ts';
import type { JsonValue } from './strict-json.ts';

const JCS: CanonicalDialect = {
  // Short escapes, lower-case \u00xx for other control characters, all else as it is: §3.2.2.2.
  string: JSON.stringify,
  // The shortest digits that read back as the same double, and -0 as 0: §3.2.2.3.
  number: String,
};

const utf8 = new TextEncoder();

/**
 * The canonical text of `value`.
 *
 * Numbers beyond 2^53 are written, as the RFC asks (1e+30), though `parseStrictJson` would not read them.
 *
 * @throws {TypeError} naming the JSON pointer: `undefined`, holes, functions, bigints, NaN, infinities, lone
 *   surrogates in keys or values, objects that are not plain, more than `MAX_JSON_DEPTH` levels.
 */
export function canonicalJson(value: JsonValue): string {
  return writeCanonical(value, JCS);
}

/** The bytes to sign: the canonical text in UTF-8 (RFC 8785 §3.2.4). Throws as `canonicalJson` does. */
export function canonicalJsonBytes(value: JsonValue): Uint8Array<ArrayBuffer> {
  return utf8.encode(canonicalJson(value));
}
