/** The stored documents as plain JavaScript, for tests to look at. */

import type { StoredDocument } from './documents.ts';
import { numberOf } from './values.ts';
import type { Value } from './wire.ts';

export interface DumpedDocument {
  /** Decoded: integers as numbers (bigint when they need it), times as their wire form, references as names. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly createMicros: number;
  readonly updateMicros: number;
}

export type DocumentDump = Readonly<Record<string, DumpedDocument>>;

export function dumpDocuments(documents: Iterable<StoredDocument>): DocumentDump {
  const dump: Record<string, DumpedDocument> = {};
  for (const { name, fields, createMicros, updateMicros } of documents) {
    dump[name] = { fields: decodeFields(fields), createMicros, updateMicros };
  }
  return dump;
}

function decodeFields(fields: Readonly<Record<string, Value>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, decode(value)]));
}

function decode(value: Value): unknown {
  switch (value.valueType) {
    case 'nullValue':
      return null;
    case 'integerValue':
    case 'doubleValue':
      return numberOf(value);
    case 'arrayValue':
      return value.arrayValue.values.map(decode);
    case 'mapValue':
      return decodeFields(value.mapValue.fields);
    default:
      return (value as unknown as Record<string, unknown>)[value.valueType];
  }
}
