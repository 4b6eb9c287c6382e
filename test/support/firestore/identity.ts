/** Whether a write changes anything: the same values of the same types, so that 1 and 1.0 differ, and 0 and -0. */

import type { Fields, Value } from './wire.ts';

export function identicalFields(left: Fields, right: Fields): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => {
    const [a, b] = [left[name], Object.hasOwn(right, name) ? right[name] : undefined];
    return a !== undefined && b !== undefined && identical(a, b);
  });
}

function identical(left: Value, right: Value): boolean {
  if (left.valueType !== right.valueType) return false;
  switch (left.valueType) {
    case 'nullValue':
      return true;
    case 'doubleValue':
      return Object.is(left.doubleValue, (right as typeof left).doubleValue);
    case 'timestampValue': {
      const [a, b] = [left.timestampValue, (right as typeof left).timestampValue];
      return Number(a.seconds) === Number(b.seconds) && a.nanos === b.nanos;
    }
    case 'bytesValue':
      return left.bytesValue.equals((right as typeof left).bytesValue);
    case 'geoPointValue': {
      const [a, b] = [left.geoPointValue, (right as typeof left).geoPointValue];
      return a.latitude === b.latitude && a.longitude === b.longitude;
    }
    case 'arrayValue': {
      const [a, b] = [left.arrayValue.values, (right as typeof left).arrayValue.values];
      return (
        a.length === b.length &&
        a.every((value, index) => b[index] !== undefined && identical(value, b[index]))
      );
    }
    case 'mapValue':
      return identicalFields(left.mapValue.fields, (right as typeof left).mapValue.fields);
    case 'booleanValue':
      return left.booleanValue === (right as typeof left).booleanValue;
    case 'integerValue':
      return left.integerValue === (right as typeof left).integerValue;
    case 'stringValue':
      return left.stringValue === (right as typeof left).stringValue;
    case 'referenceValue':
      return left.referenceValue === (right as typeof left).referenceValue;
  }
}
