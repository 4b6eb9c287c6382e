/**
 * How Firestore compares values: first by type, then within it
 * (https://cloud.google.com/firestore/docs/concepts/data-types#value_type_ordering).
 */

import type { Fields, Timestamp, Value } from './wire.ts';

/** Integers and doubles are one type: they compare by what they are worth. */
const TYPE_ORDER = {
  nullValue: 0,
  booleanValue: 1,
  integerValue: 2,
  doubleValue: 2,
  timestampValue: 3,
  stringValue: 4,
  bytesValue: 5,
  referenceValue: 6,
  geoPointValue: 7,
  arrayValue: 8,
  mapValue: 9,
} as const satisfies Record<Value['valueType'], number>;

/** The longest integer that is a safe JavaScript number whatever its digits. */
const SAFE_DIGITS = 15;

/** Negative, zero or positive. Zero is also what a filter calls equal: 1 and 1.0, 0 and -0, NaN and NaN. */
export function compareValues(left: Value, right: Value): number {
  const byType = TYPE_ORDER[left.valueType] - TYPE_ORDER[right.valueType];
  if (byType !== 0) return byType;
  switch (left.valueType) {
    case 'nullValue':
      return 0;
    case 'booleanValue':
      return Number(left.booleanValue) - Number((right as typeof left).booleanValue);
    case 'integerValue':
    case 'doubleValue':
      return compareNumbers(numberOf(left), numberOf(right));
    case 'timestampValue':
      return compareTimestamps(left.timestampValue, (right as typeof left).timestampValue);
    case 'stringValue':
      return compareText(left.stringValue, (right as typeof left).stringValue);
    case 'bytesValue':
      return Buffer.compare(left.bytesValue, (right as typeof left).bytesValue);
    case 'referenceValue':
      return compareNames(left.referenceValue, (right as typeof left).referenceValue);
    case 'geoPointValue': {
      const [a, b] = [left.geoPointValue, (right as typeof left).geoPointValue];
      return a.latitude - b.latitude || a.longitude - b.longitude;
    }
    case 'arrayValue':
      return compareArrays(left.arrayValue.values, (right as typeof left).arrayValue.values);
    case 'mapValue':
      return compareMaps(left.mapValue.fields, (right as typeof left).mapValue.fields);
  }
}

export function sameType(left: Value, right: Value): boolean {
  return TYPE_ORDER[left.valueType] === TYPE_ORDER[right.valueType];
}

/** Strings compare by their UTF-8 bytes, which is by code point; a surrogate stands for one above all others. */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (a !== b) return compareCodeUnits(a, b);
  }
  return left.length - right.length;
}

/** Names compare segment by segment, so a slash comes before everything that could stand in its place. */
export function compareNames(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (a === b) continue;
    const numeric = compareNumericIds(left, right, index);
    if (numeric !== 0) return numeric;
    if (a === SLASH) return -1;
    return b === SLASH ? 1 : compareCodeUnits(a, b);
  }
  return left.length - right.length;
}

/**
 * Ids of the form `__id7__` are numbers: they come before all others, in their own order. Nobody may use them, but
 * `recursiveDelete` begins its range at the smallest of them.
 */
function compareNumericIds(left: string, right: string, differsAt: number): number {
  const [a, b] = [numericIdAt(left, differsAt), numericIdAt(right, differsAt)];
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a < b ? -1 : Number(a > b);
}

function numericIdAt(name: string, position: number): bigint | undefined {
  const start = name.lastIndexOf('/', position) + 1;
  if (!name.startsWith('__id', start)) return undefined;
  const digits = /^__id(-?\d+)__(?:\/|$)/.exec(name.slice(start))?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

const SLASH = '/'.charCodeAt(0);

function compareCodeUnits(left: number, right: number): number {
  const [leftPaired, rightPaired] = [isSurrogate(left), isSurrogate(right)];
  return leftPaired === rightPaired ? left - right : Number(leftPaired) - Number(rightPaired);
}

function isSurrogate(codeUnit: number): boolean {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff;
}

/** An integer that a double cannot hold is a bigint: JavaScript compares the two exactly. */
export function numberOf(value: Value): number | bigint {
  if (value.valueType === 'doubleValue') return value.doubleValue;
  if (value.valueType !== 'integerValue') return Number.NaN;
  const { integerValue } = value;
  return integerValue.length <= SAFE_DIGITS ? Number(integerValue) : BigInt(integerValue);
}

/** NaN comes first. */
function compareNumbers(left: number | bigint, right: number | bigint): number {
  if (left < right) return -1;
  if (left > right) return 1;
  return Number(Number.isNaN(right)) - Number(Number.isNaN(left));
}

function compareTimestamps(left: Timestamp, right: Timestamp): number {
  return Number(left.seconds) - Number(right.seconds) || left.nanos - right.nanos;
}

function compareArrays(left: readonly Value[], right: readonly Value[]): number {
  for (const [index, value] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const order = compareValues(value, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** By the first key, then its value, then the second key; the shorter one first. */
function compareMaps(left: Fields, right: Fields): number {
  const [leftEntries, rightEntries] = [sortedEntries(left), sortedEntries(right)];
  for (const [index, [key, value]] of leftEntries.entries()) {
    const other = rightEntries[index];
    if (other === undefined) return 1;
    const order = compareText(key, other[0]) || compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return leftEntries.length - rightEntries.length;
}

function sortedEntries(fields: Fields): [string, Value][] {
  return Object.entries(fields).sort(([left], [right]) => compareText(left, right));
}
