/**
 * Values to and from Firestore's. Whole numbers that JavaScript holds exactly are stored as integers, the others as
 * doubles; Firestore compares the two by their size, so one field may hold both.
 */
import type { Fields, Snapshot, Value } from '../../../shared/ports/document-store.ts';
import type { Names } from './names.ts';
import { versionOf } from './versions.ts';
import type { WireDocument, WireFields, WireValue } from './wire.ts';

/** Something that is none of the port's values: another program wrote it. */
export class DamagedDocumentError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DamagedDocumentError';
  }
}

export function encodeFields(fields: Fields): WireFields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, encodeValue(value)]));
}

export function encodeValue(value: Value): WireValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { booleanValue: value };
    case 'number':
      // String(-0) is "0".
      return Number.isSafeInteger(value) ? { integerValue: String(value) } : { doubleValue: value };
    default:
      if (value === null) return { nullValue: 'NULL_VALUE' };
      return isArray(value)
        ? { arrayValue: { values: value.map(encodeValue) } }
        : { mapValue: { fields: encodeFields(value) } };
  }
}

/** @throws DamagedDocumentError */
export function decodeDocument({ name, fields, updateTime }: WireDocument, names: Names): Snapshot {
  return { path: names.pathOf(name), fields: decodeFields(fields), version: versionOf(updateTime) };
}

function decodeFields(fields: WireFields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, decodeValue(value)]));
}

/** @throws DamagedDocumentError */
export function decodeValue(value: WireValue): Value {
  switch (value.valueType) {
    case 'nullValue':
      return null;
    case 'booleanValue':
      return value.booleanValue === true;
    case 'integerValue':
    case 'doubleValue':
      return decodeNumber(Number(value.integerValue ?? value.doubleValue));
    case 'stringValue':
      return value.stringValue ?? '';
    case 'arrayValue':
      return (value.arrayValue?.values ?? []).map(decodeValue);
    case 'mapValue':
      return decodeFields(value.mapValue?.fields ?? {});
    default:
      throw new DamagedDocumentError(`a stored document has a ${value.valueType ?? 'value without a type'}`);
  }
}

function decodeNumber(number: number): number {
  if (!Number.isFinite(number)) throw new DamagedDocumentError('a stored number is not finite');
  return number + 0; // 0 for -0
}

// Array.isArray does not narrow a readonly array out of a union.
function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
