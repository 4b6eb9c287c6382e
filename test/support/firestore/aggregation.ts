/** count, sum and avg over what a query matches (query.proto, StructuredAggregationQuery). */

import type { StoredDocument } from './documents.ts';
import { DOCUMENT_NAME, fieldAt, parseFieldPath } from './field-paths.ts';
import { invalid } from './status.ts';
import { numberOf } from './values.ts';
import type { Aggregation, Fields, StructuredQuery, Value } from './wire.ts';

const MAX_AGGREGATIONS = 5;
const INT64_LIMIT = 2n ** 63n;

export interface AggregationResult {
  readonly fields: Fields;
  /** Index entries that were read, for the bill. */
  readonly entries: number;
}

/** The query whose documents are aggregated; a lone `count` with `up_to` looks no further than that. */
export function baseQuery(query: StructuredQuery, aggregations: readonly Aggregation[]): StructuredQuery {
  if (aggregations.length === 0) throw invalid('aggregations are empty.');
  if (aggregations.length > MAX_AGGREGATIONS) throw invalid('A query has at most five aggregations.');
  const bounds = aggregations.map(upToOf);
  if (bounds.includes(undefined)) return query;
  const value = Math.min(Math.max(...(bounds as number[])), query.limit?.value ?? Number.POSITIVE_INFINITY);
  return { ...query, limit: { value } };
}

/** All are computed over one index, so they see only the documents that have every aggregated field. */
export function aggregate(
  documents: readonly StoredDocument[],
  aggregations: readonly Aggregation[],
): AggregationResult {
  const paths = aggregatedFields(aggregations).map(parseFieldPath);
  const entries = documents.filter(({ fields }) =>
    paths.every((path) => fieldAt(fields, path) !== undefined),
  );
  const results: Record<string, Value> = {};
  let unnamed = 0;
  for (const aggregation of aggregations) {
    const alias = aggregation.alias || `field_${++unnamed}`;
    if (Object.hasOwn(results, alias)) throw invalid(`The alias "${alias}" is used twice.`);
    results[alias] = compute(aggregation, entries);
  }
  return { fields: results, entries: entries.length };
}

/** The fields that sum and avg need. */
export function aggregatedFields(aggregations: readonly Aggregation[]): string[] {
  const fields = aggregations
    .map(({ sum, avg }) => (sum ?? avg)?.field?.fieldPath)
    .filter((field) => field !== undefined);
  if (fields.includes(DOCUMENT_NAME)) throw invalid('Aggregations are not supported for __name__.');
  return [...new Set(fields)];
}

function upToOf({ operator, count }: Aggregation): number | undefined {
  if (operator !== 'count' || !count?.upTo) return undefined;
  const upTo = Number(count.upTo.value);
  if (upTo <= 0) throw invalid('up_to must be greater than zero.');
  return upTo;
}

function compute(aggregation: Aggregation, documents: readonly StoredDocument[]): Value {
  if (aggregation.operator === 'count') {
    return integer(BigInt(Math.min(documents.length, upToOf(aggregation) ?? Number.POSITIVE_INFINITY)));
  }
  const field = (aggregation.sum ?? aggregation.avg)?.field?.fieldPath;
  if (field === undefined) throw invalid('An aggregation has no operator or no field.');
  const numbers = numbersAt(documents, field);
  if (aggregation.operator === 'sum') return sum(numbers);
  if (numbers.length === 0) return { valueType: 'nullValue', nullValue: 'NULL_VALUE' };
  const total = numbers.reduce<number>((subtotal, number) => subtotal + Number(number), 0);
  return { valueType: 'doubleValue', doubleValue: total / numbers.length };
}

/** Integers as bigint, doubles as number; what is no number is skipped. */
function numbersAt(documents: readonly StoredDocument[], field: string): (bigint | number)[] {
  const path = parseFieldPath(field);
  return documents.flatMap(({ fields }) => {
    const value = fieldAt(fields, path);
    if (value?.valueType === 'integerValue') return [BigInt(value.integerValue)];
    return value?.valueType === 'doubleValue' ? [numberOf(value)] : [];
  });
}

/** An integer as long as all are integers and the sum fits 64 bits. */
function sum(numbers: readonly (bigint | number)[]): Value {
  const integers = numbers.filter((number) => typeof number === 'bigint');
  const total = integers.reduce((subtotal, number) => subtotal + number, 0n);
  if (integers.length === numbers.length && total < INT64_LIMIT && total >= -INT64_LIMIT)
    return integer(total);
  const doubles = numbers.filter((number) => typeof number === 'number');
  return {
    valueType: 'doubleValue',
    doubleValue: doubles.reduce((subtotal, number) => subtotal + number, Number(total)),
  };
}

function integer(value: bigint): Value {
  return { valueType: 'integerValue', integerValue: value.toString() };
}
