/** Queries to Firestore's. Field names were checked by `validate.ts`: none needs quotes. */
import {
  type Comparison,
  DOCUMENT_ID,
  type QuerySource,
  type Value,
} from '../../../shared/ports/document-store.ts';
import type { CheckedQuery, Condition } from '../validate.ts';
import type { Names } from './names.ts';
import { encodeValue } from './values.ts';
import type {
  RunAggregationQueryRequest,
  RunQueryRequest,
  StructuredQuery,
  WireField,
  WireFilter,
  WireValue,
} from './wire.ts';

/** The name under which an aggregate comes back. */
export const AGGREGATE = 'aggregate';

const OPERATORS: Readonly<Record<Comparison, string>> = {
  '==': 'EQUAL',
  '<': 'LESS_THAN',
  '<=': 'LESS_THAN_OR_EQUAL',
  '>': 'GREATER_THAN',
  '>=': 'GREATER_THAN_OR_EQUAL',
  in: 'IN',
  'array-contains': 'ARRAY_CONTAINS',
};

const DIRECTIONS = { asc: 'ASCENDING', desc: 'DESCENDING' } as const;

export function encodeQuery(query: CheckedQuery, names: Names): RunQueryRequest {
  const { order, startAfter, limit } = query;
  const structuredQuery: StructuredQuery = {
    ...selection(query, names),
    orderBy: order.map(({ field, direction }) => ({
      field: fieldOf(field),
      direction: DIRECTIONS[direction],
    })),
    ...(startAfter === undefined ? {} : { startAt: cursor(query, startAfter, names) }),
    ...(limit === undefined ? {} : { limit: { value: limit } }),
  };
  return { parent: names.placeOf(query.source).parent, structuredQuery };
}

/** The count, or the sum of one field: an aggregate over several counts only documents that have every field. */
export function encodeAggregate(
  query: CheckedQuery,
  sum: string | undefined,
  names: Names,
): RunAggregationQueryRequest {
  const operation = sum === undefined ? { count: {} } : { sum: { field: fieldOf(sum) } };
  return {
    parent: names.placeOf(query.source).parent,
    structuredAggregationQuery: {
      structuredQuery: selection(query, names),
      aggregations: [{ alias: AGGREGATE, ...operation }],
    },
  };
}

function selection(query: CheckedQuery, names: Names): Pick<StructuredQuery, 'from' | 'where'> {
  const { collectionId } = names.placeOf(query.source);
  const from = [{ collectionId, allDescendants: 'group' in query.source }] as const;
  if (query.where.length === 0) return { from };
  const filters = query.where.map((condition) => filterOf(condition, query, names));
  return { from, where: { compositeFilter: { op: 'AND', filters } } };
}

function filterOf({ field, comparison, value }: Condition, query: CheckedQuery, names: Names): WireFilter {
  if (value === null) return { unaryFilter: { field: fieldOf(field), op: 'IS_NULL' } };
  const operand = field === DOCUMENT_ID ? references(value, query.source, names) : encodeValue(value);
  return { fieldFilter: { field: fieldOf(field), op: OPERATORS[comparison], value: operand } };
}

function cursor(
  { source, order }: CheckedQuery,
  startAfter: readonly Value[],
  names: Names,
): NonNullable<StructuredQuery['startAt']> {
  const values = startAfter.map((value, index) => {
    return order[index]?.field === DOCUMENT_ID ? references(value, source, names) : encodeValue(value);
  });
  return { values, before: false };
}

/** Documents as a query names them: by id in a collection, by path in a group. */
function references(value: Value, source: QuerySource, names: Names): WireValue {
  if (Array.isArray(value)) {
    return { arrayValue: { values: value.map((each: Value) => references(each, source, names)) } };
  }
  const path = 'group' in source ? String(value) : `${source.collection}/${value}`;
  return { referenceValue: names.nameOf(path) };
}

function fieldOf(fieldPath: string): WireField {
  return { fieldPath };
}
