/**
 * What a document may hold (https://cloud.google.com/firestore/quotas#limits), and how large it is
 * (https://cloud.google.com/firestore/docs/storage-size). Refusals are INVALID_ARGUMENT.
 *
 * Not checked: the 40,000 index entries of a document.
 */

import { isReserved, parseDocumentName } from './names.ts';
import { invalid } from './status.ts';
import type { Fields, Timestamp, Value } from './wire.ts';

const MAX_DOCUMENT_BYTES = 1024 * 1024;
const MAX_VALUE_BYTES = MAX_DOCUMENT_BYTES - 89;
const MAX_FIELD_NAME_BYTES = 1_500;
const MAX_DEPTH = 20;
const NAME_OVERHEAD_BYTES = 16;
const DOCUMENT_OVERHEAD_BYTES = 32;
const INT64_MAX = 2n ** 63n - 1n;

/** The fields as they are stored: times lose what is finer than a microsecond. */
export function storableFields(fields: Fields, depth = 0): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      checkFieldName(name);
      return [name, storableValue(value, depth)];
    }),
  );
}

export function storableValue(value: Value, depth = 0): Value {
  switch (value.valueType) {
    case 'timestampValue':
      return { ...value, timestampValue: wholeMicros(value.timestampValue) };
    case 'stringValue':
      return checkLength(value, Buffer.byteLength(value.stringValue));
    case 'bytesValue':
      return checkLength(value, value.bytesValue.length);
    case 'referenceValue':
      parseDocumentName(value.referenceValue);
      return value;
    case 'geoPointValue':
      return checkGeoPoint(value);
    case 'arrayValue':
      return storableArray(value, deeper(depth));
    case 'mapValue':
      return { ...value, mapValue: { fields: storableFields(value.mapValue.fields, deeper(depth)) } };
    case 'nullValue':
    case 'booleanValue':
    case 'integerValue':
    case 'doubleValue':
      return value;
    default:
      throw invalid('A value has no type, or one that cannot be stored.');
  }
}

function storableArray(value: Value & { valueType: 'arrayValue' }, depth: number): Value {
  const values = value.arrayValue.values.map((element) => {
    if (element.valueType === 'arrayValue') {
      throw invalid('Cannot convert an array value in an array value.');
    }
    return storableValue(element, depth);
  });
  return { ...value, arrayValue: { values } };
}

function checkFieldName(name: string): void {
  if (name === '') throw invalid('A field name is empty.');
  if (isReserved(name)) throw invalid(`The field name "${name}" is reserved.`);
  if (Buffer.byteLength(name) > MAX_FIELD_NAME_BYTES) throw invalid('A field name has more than 1500 bytes.');
}

function checkLength(value: Value, bytes: number): Value {
  if (bytes > MAX_VALUE_BYTES) throw invalid(`A value has more than ${MAX_VALUE_BYTES} bytes.`);
  return value;
}

function checkGeoPoint(value: Value & { valueType: 'geoPointValue' }): Value {
  const { latitude, longitude } = value.geoPointValue;
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) {
    throw invalid('A geo point is not on this planet.');
  }
  return value;
}

function deeper(depth: number): number {
  if (depth >= MAX_DEPTH) throw invalid(`Maps and arrays are nested more than ${MAX_DEPTH} deep.`);
  return depth + 1;
}

function wholeMicros({ seconds, nanos }: Timestamp): Timestamp {
  return { seconds, nanos: nanos - (nanos % 1000) };
}

export function checkDocumentSize(name: string, fields: Fields): void {
  const bytes = nameBytes(name) + fieldsBytes(fields) + DOCUMENT_OVERHEAD_BYTES;
  if (bytes > MAX_DOCUMENT_BYTES) {
    throw invalid(
      `Document '${name}' cannot be written because its size (${bytes} bytes) exceeds the maximum allowed size of ${MAX_DOCUMENT_BYTES} bytes.`,
    );
  }
}

/** A sum that does not fit 64 bits is their largest or smallest number. */
export function clampInt64(value: bigint): bigint {
  if (value > INT64_MAX) return INT64_MAX;
  return value < -INT64_MAX - 1n ? -INT64_MAX - 1n : value;
}

function nameBytes(name: string): number {
  return (
    parseDocumentName(name).segments.reduce((sum, segment) => sum + textBytes(segment), 0) +
    NAME_OVERHEAD_BYTES
  );
}

function fieldsBytes(fields: Fields): number {
  return Object.entries(fields).reduce((sum, [name, value]) => sum + textBytes(name) + valueBytes(value), 0);
}

function valueBytes(value: Value): number {
  switch (value.valueType) {
    case 'nullValue':
    case 'booleanValue':
      return 1;
    case 'stringValue':
      return textBytes(value.stringValue);
    case 'bytesValue':
      return value.bytesValue.length;
    case 'referenceValue':
      return nameBytes(value.referenceValue);
    case 'geoPointValue':
      return 16;
    case 'arrayValue':
      return value.arrayValue.values.reduce((sum, element) => sum + valueBytes(element), 0);
    case 'mapValue':
      return fieldsBytes(value.mapValue.fields) + DOCUMENT_OVERHEAD_BYTES;
    default:
      return 8;
  }
}

function textBytes(text: string): number {
  return Buffer.byteLength(text) + 1;
}
