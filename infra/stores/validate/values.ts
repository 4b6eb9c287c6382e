/** Values and documents: what Firestore can hold, and how many bytes it counts for it. */

import { checkName, fail } from './names.ts';

const MAX_DOCUMENT_BYTES = 1024 * 1024;
const MAX_DEPTH = 20;

export const DOCUMENT_TOO_LARGE = `a document takes at most ${MAX_DOCUMENT_BYTES} bytes`;

/** An update can make a stored document too large; only the adapter that merges it can tell. */
export function checkDocumentSize(path: string, fields: unknown): number {
  const bytes = nameBytes(path) + mapBytes(fields, 'the document', 1) + 32;
  if (bytes > MAX_DOCUMENT_BYTES) fail(DOCUMENT_TOO_LARGE);
  return bytes;
}

export function checkMap(value: unknown, at: string): [string, unknown][] {
  const prototype = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) fail(`${at} is no plain object`);
  return Object.entries(value as object);
}

export function nameBytes(path: string): number {
  return path.split('/').reduce((bytes, segment) => bytes + Buffer.byteLength(segment) + 1, 16);
}

/** A value of a condition or a cursor, not of a document. */
export function checkValue(value: unknown, at: string): void {
  valueBytes(value, at, 1, false);
}

function mapBytes(value: unknown, at: string, depth: number): number {
  let bytes = 0;
  for (const [name, member] of checkMap(value, at)) {
    if (name === '') fail(`${at} has a field without a name`);
    checkName(name, 'a field name');
    bytes += Buffer.byteLength(name) + 1 + valueBytes(member, `field ${JSON.stringify(name)}`, depth, false);
  }
  return bytes;
}

/** Checks a value on the way: its size as Firestore counts it. */
function valueBytes(value: unknown, at: string, depth: number, inArray: boolean): number {
  if (depth > MAX_DEPTH) fail(`${at} is nested more than ${MAX_DEPTH} deep`);
  if (value === null || typeof value === 'boolean') return 1;
  if (typeof value === 'number') return Number.isFinite(value) ? 8 : fail(`${at} is not finite`);
  if (typeof value === 'string') {
    return value.isWellFormed() ? Buffer.byteLength(value) + 1 : fail(`${at} has a lone surrogate`);
  }
  if (!Array.isArray(value)) return mapBytes(value, at, depth + 1);
  if (inArray) fail(`${at} has an array inside an array`);
  let bytes = 0;
  for (const element of value) bytes += valueBytes(element, at, depth + 1, true);
  return bytes;
}
