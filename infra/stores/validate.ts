/**
 * What every adapter refuses, with a `TypeError`, before it touches its store: all of it is a programmer's
 * error. The limits are Firestore's, so that what one adapter takes the others take too.
 *
 * https://firebase.google.com/docs/firestore/quotas and, for sizes, /docs/firestore/storage-size
 */

import type { Aggregates, Comparison, Query, Value, Write } from '../../shared/ports/document-store.ts';
import { DOCUMENT_ID } from '../../shared/ports/document-store.ts';

const MAX_WRITES = 500;
const MAX_COMMIT_BYTES = 10 * 1024 * 1024;
const MAX_DOCUMENT_BYTES = 1024 * 1024;
const MAX_SEGMENT_BYTES = 1500;
const MAX_PATH_BYTES = 6 * 1024;
const MAX_DEPTH = 20;
/** Firestore turns each combination of `in` values into one query, and runs 30 of them at most. */
const MAX_DISJUNCTIONS = 30;

const COMPARISONS: readonly string[] = [
  '==',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  'array-contains',
] satisfies Comparison[];

/** Firestore's unquoted field path: names that need quoting can be stored but not asked for. */
const FIELD_PATH = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;
/** Names that Firestore keeps for itself; `__proto__` is one of them. */
const RESERVED = /^__.*__$/s;

export interface Condition {
  readonly field: string;
  readonly comparison: Comparison;
  readonly value: Value;
}

export interface OrderEntry {
  readonly field: string;
  readonly direction: 'asc' | 'desc';
}

/** A query that is known to be well formed, with every default filled in. */
export interface CheckedQuery {
  readonly collection: string;
  readonly where: readonly Condition[];
  /** Never empty: the last entry is always `DOCUMENT_ID`, so the order is total. */
  readonly order: readonly OrderEntry[];
  readonly limit: number | undefined;
  /** At least one value, and at most one for each entry of `order`. */
  readonly startAfter: readonly Value[] | undefined;
}

export function checkDocumentPath(path: string): void {
  if (segments(path).length % 2 !== 0) fail('a document path has an even number of segments');
}

export function checkWrites(writes: readonly Write[]): void {
  if (!Array.isArray(writes)) fail('a commit takes an array of writes');
  if (writes.length > MAX_WRITES) fail(`a commit takes at most ${MAX_WRITES} writes`);
  const paths = new Set<string>();
  let bytes = 0;
  for (const write of writes) {
    bytes += checkWrite(write);
    // Firestore would apply both in turn; no caller here means that, so it is taken for a mistake.
    if (paths.has(write.path)) fail('a commit writes each document at most once');
    paths.add(write.path);
  }
  if (bytes > MAX_COMMIT_BYTES) fail(`a commit takes at most ${MAX_COMMIT_BYTES} bytes`);
}

/** An update can make a stored document too large; only the adapter that merges it can tell. */
export function checkDocumentSize(path: string, fields: unknown): number {
  const bytes = nameBytes(path) + mapBytes(fields, 'the document', 1) + 32;
  if (bytes > MAX_DOCUMENT_BYTES) fail(`a document takes at most ${MAX_DOCUMENT_BYTES} bytes`);
  return bytes;
}

export function checkQuery(query: Query): CheckedQuery {
  if (segments(query.collection).length % 2 !== 1) fail('a collection path has an odd number of segments');
  const where = list(query.where, 'where').map(checkCondition);
  if (where.filter(({ comparison }) => comparison === 'array-contains').length > 1) {
    fail('a query takes at most one array-contains');
  }
  const disjunctions = where.reduce((product, { comparison, value }) => {
    return comparison === 'in' ? product * (value as readonly Value[]).length : product;
  }, 1);
  if (disjunctions > MAX_DISJUNCTIONS) fail(`in takes at most ${MAX_DISJUNCTIONS} values`);
  const order = completeOrder(list(query.orderBy, 'orderBy').map(checkOrderEntry));
  checkLimit(query.limit);
  checkCursor(order, query.startAfter);
  return { collection: query.collection, where, order, limit: query.limit, startAfter: query.startAfter };
}

/** The fields to sum, each once. */
export function checkAggregates(aggregates: Aggregates): string[] {
  const fields = new Set(list(aggregates.sum, 'sum'));
  for (const field of fields) checkFieldPath(field);
  return [...fields];
}

function checkWrite(write: Write): number {
  checkDocumentPath(write.path);
  checkDemand(write);
  switch (write.op) {
    case 'delete':
      return nameBytes(write.path);
    case 'update':
      if (checkMap(write.fields, 'the fields').length === 0) fail('an update names at least one field');
      return checkDocumentSize(write.path, write.fields);
    case 'set':
      return checkDocumentSize(write.path, write.fields);
    default:
      return fail('a write is a set, an update or a delete');
  }
}

function checkDemand({ op, demand }: Write): void {
  if (demand === undefined || demand === 'present') return;
  if (demand === 'absent') {
    if (op !== 'set') fail(`${op} cannot demand that the document is absent`);
    return;
  }
  if (typeof demand !== 'object' || typeof demand?.version !== 'string') {
    fail("a demand is 'absent', 'present' or a version");
  }
}

function checkCondition([field, comparison, value]: readonly [string, Comparison, Value]): Condition {
  if (!COMPARISONS.includes(comparison)) fail(`${JSON.stringify(comparison)} is no comparison`);
  if (field === DOCUMENT_ID) checkIdOperand(comparison, value);
  else {
    checkFieldPath(field);
    checkOperand(comparison, value);
  }
  return { field, comparison, value };
}

function checkIdOperand(comparison: Comparison, value: Value): void {
  if (comparison === 'array-contains') fail('a document id is no array');
  const ids = comparison === 'in' ? operandList(value) : [value];
  for (const id of ids) checkSegment(id);
}

/** Firestore compares null with `==` only, and ignores null in `in` and `array-contains`: a trap, so refused. */
function checkOperand(comparison: Comparison, value: Value): void {
  if (comparison === '==') {
    valueBytes(value, 'the value', 1, false);
    return;
  }
  const operands = comparison === 'in' ? operandList(value) : [value];
  for (const operand of operands) {
    if (operand === null) fail(`${comparison} cannot compare with null; == can`);
    if (Array.isArray(operand)) fail(`${comparison} cannot compare with an array`);
    valueBytes(operand, 'the value', 1, false);
    if (typeof operand === 'object' && comparison !== 'in' && comparison !== 'array-contains') {
      fail(`${comparison} cannot compare with a map`);
    }
  }
}

function operandList(value: Value): readonly Value[] {
  if (!Array.isArray(value) || value.length === 0) fail('in takes a list of at least one value');
  return value;
}

function checkOrderEntry([field, direction]: readonly [string, 'asc' | 'desc']): OrderEntry {
  if (field !== DOCUMENT_ID) checkFieldPath(field);
  if (direction !== 'asc' && direction !== 'desc') fail("a direction is 'asc' or 'desc'");
  return { field, direction };
}

function completeOrder(entries: readonly OrderEntry[]): OrderEntry[] {
  const fields = entries.map(({ field }) => field);
  if (new Set(fields).size !== fields.length) fail('orderBy names a field twice');
  const idAt = fields.indexOf(DOCUMENT_ID);
  if (idAt === -1) return [...entries, { field: DOCUMENT_ID, direction: entries.at(-1)?.direction ?? 'asc' }];
  if (idAt !== entries.length - 1) fail('the document id comes last in orderBy: nothing is left to order');
  return [...entries];
}

function checkLimit(limit: number | undefined): void {
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) fail('limit is a positive integer');
}

function checkCursor(order: readonly OrderEntry[], values: readonly Value[] | undefined): void {
  if (values === undefined) return;
  if (list(values, 'startAfter').length === 0) fail('startAfter takes at least one value');
  if (values.length > order.length) fail('startAfter has more values than the order has fields');
  for (const [index, value] of values.entries()) {
    if (order[index]?.field === DOCUMENT_ID) checkSegment(value);
    else if (typeof value === 'object' && value !== null) fail('startAfter takes no arrays and no maps');
    else valueBytes(value, 'startAfter', 1, false);
  }
}

function checkFieldPath(field: string): void {
  if (typeof field !== 'string' || field.length > MAX_SEGMENT_BYTES || !FIELD_PATH.test(field)) {
    fail('a field is a name, or names joined by dots, of ASCII letters, digits and _');
  }
  if (field.split('.').some((name) => RESERVED.test(name))) fail('names like __this__ are reserved');
}

function segments(path: string): string[] {
  if (typeof path !== 'string') fail('a path is a string');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) fail(`a path takes at most ${MAX_PATH_BYTES} bytes`);
  const parts = path.split('/');
  for (const part of parts) checkSegment(part);
  return parts;
}

function checkSegment(segment: unknown): void {
  if (typeof segment !== 'string' || segment === '') fail('a path segment is a non-empty string');
  if (segment === '.' || segment === '..') fail('a path segment is neither . nor ..');
  if (segment.includes('/')) fail('an id has no slash');
  checkName(segment, 'a path segment');
}

function checkName(name: string, what: string): void {
  if (RESERVED.test(name)) fail(`${what} like __this__ is reserved`);
  if (!name.isWellFormed()) fail(`${what} has a lone surrogate`);
  if (Buffer.byteLength(name) > MAX_SEGMENT_BYTES) fail(`${what} takes at most ${MAX_SEGMENT_BYTES} bytes`);
}

function checkMap(value: unknown, at: string): [string, unknown][] {
  const prototype = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) fail(`${at} is no plain object`);
  return Object.entries(value as object);
}

function nameBytes(path: string): number {
  return path.split('/').reduce((bytes, segment) => bytes + Buffer.byteLength(segment) + 1, 16);
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

function list<T>(value: readonly T[] | undefined, what: string): readonly T[] {
  if (value !== undefined && !Array.isArray(value)) fail(`${what} is an array`);
  return value ?? [];
}

function fail(reason: string): never {
  throw new TypeError(`${reason}.`);
}
