/**
 * Field paths: segments joined by dots, each a plain name or anything between backquotes (document.proto). Fields
 * are never changed in place: a stored document may be on its way out to a reader.
 */

import { isReserved } from './names.ts';
import { invalid } from './status.ts';
import type { Fields, Value } from './wire.ts';

export type FieldPath = readonly string[];

/** Stands for the document's own name in filters, orders and projections. */
export const DOCUMENT_NAME = '__name__';

const MAX_PATH_BYTES = 1_500;
const SEGMENT = /^(?:([A-Za-z_][A-Za-z_0-9]*)|`((?:[^`\\]|\\.)+)`)(?:\.(?=.)|$)/s;

const parsed = new Map<string, FieldPath>();

/** @throws StatusError INVALID_ARGUMENT for what is no path, and for reserved names. */
export function parseFieldPath(path: string): FieldPath {
  let segments = parsed.get(path);
  if (segments === undefined) {
    segments = split(path);
    parsed.set(path, segments);
  }
  return segments;
}

function split(path: string): FieldPath {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw invalid('A field path has more than 1500 bytes.');
  const segments: string[] = [];
  for (let rest = path; rest !== '' || segments.length === 0; ) {
    const match = SEGMENT.exec(rest);
    if (match === null) throw invalid(`Invalid property path "${path}".`);
    segments.push(match[1] ?? (match[2] ?? '').replace(/\\(.)/gs, '$1'));
    rest = rest.slice(match[0].length);
  }
  if (segments.some(isReserved)) throw invalid(`Field path "${path}" contains a reserved name.`);
  return segments;
}

export function fieldAt(fields: Fields, path: FieldPath): Value | undefined {
  let value: Value | undefined;
  let inside: Fields | undefined = fields;
  for (const segment of path) {
    if (inside === undefined || !Object.hasOwn(inside, segment)) return undefined;
    value = inside[segment];
    inside = value?.valueType === 'mapValue' ? value.mapValue.fields : undefined;
  }
  return value;
}

/** Maps on the way are created; a value on the way that is no map gives way to one. */
export function withField(fields: Fields, [first = '', ...rest]: FieldPath, value: Value): Fields {
  if (rest.length === 0) return { ...fields, [first]: value };
  return { ...fields, [first]: mapOf(withField(childFields(fields, first) ?? {}, rest, value)) };
}

/** Leaves an empty map where the last of its fields was; changes nothing when there is no such field. */
export function withoutField(fields: Fields, [first = '', ...rest]: FieldPath): Fields {
  if (!Object.hasOwn(fields, first)) return fields;
  if (rest.length === 0) {
    const { [first]: _removed, ...others } = fields;
    return others;
  }
  const child = childFields(fields, first);
  return child === undefined ? fields : { ...fields, [first]: mapOf(withoutField(child, rest)) };
}

/** Only the fields that a mask or a projection names. */
export function project(fields: Fields, paths: readonly string[]): Fields {
  let projected: Fields = {};
  for (const text of paths) {
    if (text === DOCUMENT_NAME) continue;
    const path = parseFieldPath(text);
    const value = fieldAt(fields, path);
    if (value !== undefined) projected = withField(projected, path, value);
  }
  return projected;
}

function childFields(fields: Fields, name: string): Fields | undefined {
  const child = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return child?.valueType === 'mapValue' ? child.mapValue.fields : undefined;
}

function mapOf(fields: Fields): Value {
  return { valueType: 'mapValue', mapValue: { fields } };
}
