/** Field transforms: what the server computes from the stored value (write.proto). */

import { clampInt64, storableValue } from './document-limits.ts';
import { fieldAt, parseFieldPath, withField } from './field-paths.ts';
import { invalid } from './status.ts';
import { timestampOf } from './time.ts';
import { compareValues } from './values.ts';
import type { Fields, FieldTransform, Value } from './wire.ts';

const NULL: Value = { valueType: 'nullValue', nullValue: 'NULL_VALUE' };
const MAX_TRANSFORMS = 500;

export interface Transformed {
  readonly fields: Fields;
  /** One value for each transform. */
  readonly results: readonly Value[];
}

export function applyTransforms(
  fields: Fields,
  transforms: readonly FieldTransform[],
  commitMicros: number,
): Transformed {
  if (transforms.length > MAX_TRANSFORMS) {
    throw invalid(`A write has more than ${MAX_TRANSFORMS} field transforms.`);
  }
  let transformed = fields;
  const results = transforms.map((transform) => {
    const path = parseFieldPath(transform.fieldPath);
    const { value, result } = computeTransform(transform, fieldAt(transformed, path), commitMicros);
    transformed = withField(transformed, path, value);
    return result;
  });
  return { fields: transformed, results };
}

function computeTransform(transform: FieldTransform, current: Value | undefined, commitMicros: number) {
  const answerValue = (value: Value) => ({ value, result: value });
  switch (transform.transformType) {
    case 'setToServerValue':
      return answerValue(serverValue(transform.setToServerValue, commitMicros));
    case 'increment':
      return answerValue(add(current, operand(transform.increment)));
    case 'maximum':
      return answerValue(furthest(current, operand(transform.maximum), 1));
    case 'minimum':
      return answerValue(furthest(current, operand(transform.minimum), -1));
    case 'appendMissingElements':
      return { value: append(current, transform.appendMissingElements?.values ?? []), result: NULL };
    case 'removeAllFromArray':
      return { value: removeAll(current, transform.removeAllFromArray?.values ?? []), result: NULL };
    default:
      throw invalid('A field transform has no type that this server knows.');
  }
}

/** With millisecond precision; the same for every field of a commit. */
function serverValue(name: string | undefined, commitMicros: number): Value {
  if (name !== 'REQUEST_TIME') throw invalid(`Server value ${name} is not supported.`);
  return {
    valueType: 'timestampValue',
    timestampValue: timestampOf(Math.floor(commitMicros / 1000) * 1000),
  };
}

function operand(value: Value | undefined): Value {
  if (value === undefined || !isNumber(value)) throw invalid('A numeric transform needs a number.');
  return value;
}

function isNumber(value: Value): boolean {
  return value.valueType === 'integerValue' || value.valueType === 'doubleValue';
}

function add(current: Value | undefined, increment: Value): Value {
  if (current === undefined || !isNumber(current)) return increment;
  if (current.valueType === 'integerValue' && increment.valueType === 'integerValue') {
    const sum = clampInt64(BigInt(current.integerValue) + BigInt(increment.integerValue));
    return { valueType: 'integerValue', integerValue: sum.toString() };
  }
  return { valueType: 'doubleValue', doubleValue: toDouble(current) + toDouble(increment) };
}

function toDouble(value: Value): number {
  return value.valueType === 'doubleValue'
    ? value.doubleValue
    : Number((value as { integerValue: string }).integerValue);
}

/** The larger (`sign` 1) or the smaller (-1); the stored one when they are equal; NaN when one of them is. */
function furthest(current: Value | undefined, given: Value, sign: 1 | -1): Value {
  if (current === undefined || !isNumber(current)) return given;
  const unordered = [current, given].find((value) => Number.isNaN(toDouble(value)));
  if (unordered !== undefined) return unordered;
  return sign * compareValues(given, current) > 0 ? given : current;
}

function elementsOf(current: Value | undefined): readonly Value[] {
  return current?.valueType === 'arrayValue' ? current.arrayValue.values : [];
}

function append(current: Value | undefined, added: readonly Value[]): Value {
  const values = [...elementsOf(current)];
  for (const element of added) if (!contains(values, element)) values.push(element);
  return arrayOf(values);
}

function removeAll(current: Value | undefined, removed: readonly Value[]): Value {
  return arrayOf(elementsOf(current).filter((element) => !contains(removed, element)));
}

function contains(values: readonly Value[], wanted: Value): boolean {
  return values.some((value) => compareValues(value, wanted) === 0);
}

function arrayOf(values: readonly Value[]): Value {
  return storableValue({ valueType: 'arrayValue', arrayValue: { values } });
}
