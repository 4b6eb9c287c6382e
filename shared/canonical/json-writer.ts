/**
 * The walk that both canonical encodings share: check a value and write it, in one pass, as compact JSON.
 *
 * `JSON.stringify` and its kind are lenient where bytes get signed: they drop `undefined`, turn holes and
 * functions into `null`, call `toJSON`, and write a `Map` as `{}`, so the signed text would say less than the
 * value did. Here every such value is an error that names the member. Checking and writing happen on the
 * same visit, so nothing can change between the two.
 */

import { MAX_JSON_DEPTH } from '../constants.ts';
import type { JsonValue } from './strict-json.ts';

/** What tells one canonical encoding from another; each has a row of its own. */
export interface CanonicalDialect {
  /** Total order of the keys of an object. Absent: by UTF-16 code unit, which is the engine's own order. */
  readonly compareKeys?: (left: string, right: string) => number;
  /** The literal of a well-formed string, quotes included. */
  readonly string: (value: string) => string;
  /** The literal of a finite number, or `undefined` when the encoding has none for it. */
  readonly number: (value: number) => string | undefined;
}

/**
 * Writes `value` in the given dialect.
 *
 * @throws {TypeError} for anything that is not plain JSON of at most `MAX_JSON_DEPTH` levels (which catches
 *   cycles too). The message gives the RFC 6901 pointer of the member and never its value.
 */
export function writeCanonical(value: JsonValue, dialect: CanonicalDialect): string {
  return write(value, dialect, []);
}

/** `path` is one array for the whole walk: a pointer is built only when something is wrong. */
function write(value: unknown, dialect: CanonicalDialect, path: (string | number)[]): string {
  switch (typeof value) {
    case 'string':
      return writeString(value, dialect, path);
    case 'number':
      return writeNumber(value, dialect, path);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      return value === null ? 'null' : writeContainer(value, dialect, path);
    default:
      return fail(`a value of type ${typeof value}, which JSON cannot hold`, path);
  }
}

function writeString(value: string, dialect: CanonicalDialect, path: readonly (string | number)[]): string {
  if (!value.isWellFormed()) fail('half a surrogate pair, which UTF-8 cannot encode', path);
  return dialect.string(value);
}

function writeNumber(value: number, dialect: CanonicalDialect, path: readonly (string | number)[]): string {
  if (!Number.isFinite(value)) fail('a number that is not finite', path);
  return dialect.number(value) ?? fail('a number that is not an integer within ±(2^53-1)', path);
}

function writeContainer(value: object, dialect: CanonicalDialect, path: (string | number)[]): string {
  if (path.length >= MAX_JSON_DEPTH) fail(`more than ${MAX_JSON_DEPTH} levels of nesting, or a cycle`, path);
  if (Array.isArray(value)) return writeArray(value, dialect, path);
  if (!isPlainObject(value)) return fail('an object that is not plain, such as a Date or a Map', path);
  return writeObject(value, dialect, path);
}

function writeArray(array: readonly unknown[], dialect: CanonicalDialect, path: (string | number)[]): string {
  let text = '';
  // By index, because `map` skips holes: a hole reads as `undefined` and fails as one.
  for (let index = 0; index < array.length; index += 1) {
    path.push(index);
    text += (index === 0 ? '' : ',') + write(array[index], dialect, path);
    path.pop();
  }
  return `[${text}]`;
}

function writeObject(
  object: Record<string, unknown>,
  dialect: CanonicalDialect,
  path: (string | number)[],
): string {
  let text = '';
  for (const key of Object.keys(object).sort(dialect.compareKeys)) {
    path.push(key);
    const name = writeString(key, dialect, path);
    text += `${text === '' ? '' : ','}${name}:${write(object[key], dialect, path)}`;
    path.pop();
  }
  return `{${text}}`;
}

/** A literal's prototype has no prototype itself; asking this way also accepts objects of another realm. */
function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (typeof prototype === 'object' && Object.getPrototypeOf(prototype) === null);
}

function fail(problem: string, path: readonly (string | number)[]): never {
  const pointer = path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  throw new TypeError(`The document holds, at '${pointer.toWellFormed()}', ${problem}.`);
}
