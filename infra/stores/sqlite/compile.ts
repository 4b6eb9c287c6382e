/** Turns a checked query into one SELECT. Values are always bound, never spelled into the SQL. */

import type { Comparison, QuerySource, Value } from '../../../shared/ports/document-store.ts';
import { DOCUMENT_ID, documentId } from '../../../shared/ports/document-store.ts';
import { FIELD_INDEXES, ORDERS } from '../indexes.ts';
import { type CheckedQuery, type Condition, isInequality, type OrderEntry } from '../validate.ts';
import { IDENTIFYING } from './create-indexes.ts';
import { encode } from './encoding.ts';
import {
  inGroup,
  jsonPath,
  RANK,
  rankExpression,
  textExpression,
  valueExpression,
} from './field-expressions.ts';

export interface Statement {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

const INDEXED_GROUPS: ReadonlySet<string> = new Set(
  [...FIELD_INDEXES, ...ORDERS].map(({ collectionGroup }) => collectionGroup),
);

/** Both sides of a comparison go through the same conversion, so equal numbers are equal to the last bit. */
const OPERAND = "json_extract(?, '$')";

/** Selects `collection`, `id`, `fields` and `version`, in the query's order. */
export function compileQuery(query: CheckedQuery): Statement {
  const pinned = pinnedRanks(query.where);
  const order = query.order.map((entry) => orderTerm(entry, query, pinned)).join(', ');
  const filters = join(' AND ', [
    matches(query),
    ...query.order.filter(({ field }) => field !== DOCUMENT_ID).map(({ field }) => hasField(field)),
    ...cursor(query, pinned),
  ]);
  return join(' ', [
    { sql: 'SELECT collection, id, fields, version FROM documents WHERE', parameters: [] },
    filters,
    { sql: `ORDER BY ${order}`, parameters: [] },
    ...(query.limit === undefined ? [] : [{ sql: 'LIMIT ?', parameters: [query.limit] }]),
  ]);
}

/** Selects `count`, and `sum0`, `sum1`, … in the order of `sums`. */
export function compileAggregate(query: CheckedQuery, sums: readonly string[]): Statement {
  const columns = sums.map((field, index) => {
    const number = `CASE WHEN ${rankExpression(field)} = ${RANK.number} THEN ${valueExpression(field)} END`;
    // total(), not sum(): the latter fails when integers overflow 64 bits.
    return `, total(${number}) AS sum${index}`;
  });
  return join(' ', [
    { sql: `SELECT count(*) AS count${columns.join('')} FROM documents WHERE`, parameters: [] },
    matches(query),
  ]);
}

function matches({ source, where }: CheckedQuery): Statement {
  const conditions = where.map((each) => condition(each, 'group' in source));
  const isIdentified = where.some(
    ({ field, comparison }) => comparison === '==' && isIdentifying(source, field),
  );
  return join(' AND ', [...looksIn(source, isIdentified), ...conditions]);
}

function isIdentifying(source: QuerySource, field: string): boolean {
  return 'collection' in source && IDENTIFYING.has(`${documentId(source.collection)}.${field}`);
}

/** With the plus sign no index over the collection is considered, which SQLite would otherwise walk from end to end. */
function looksIn(source: QuerySource, isIdentified: boolean): Statement[] {
  if ('group' in source) return [{ sql: inGroup(source.group), parameters: [] }];
  const group = documentId(source.collection);
  const collection = {
    sql: `${isIdentified ? '+' : ''}collection = ?`,
    parameters: [source.collection],
  };
  // Says nothing new, but an index over this group serves only a query that spells it out.
  return INDEXED_GROUPS.has(group) ? [collection, { sql: inGroup(group), parameters: [] }] : [collection];
}

function condition({ field, comparison, value }: Condition, isGroup: boolean): Statement {
  if (field === DOCUMENT_ID) {
    return isGroup ? pathCondition(comparison, value) : idCondition(comparison, value);
  }
  switch (comparison) {
    case '==':
      return { sql: `${textExpression(field)} = ?`, parameters: [encode(value)] };
    case 'in':
      return oneOf(textExpression(field), (value as readonly Value[]).map(encode));
    case 'array-contains':
      return {
        sql:
          `(${rankExpression(field)} = ${RANK.array} AND EXISTS (SELECT 1` +
          ` FROM json_each(fields, ${jsonPath(field)}) AS element WHERE fields -> element.fullkey = ?))`,
        parameters: [encode(value)],
      };
    default:
      return {
        sql: `(${rankExpression(field)} = ${rankOf(value)} AND ${valueExpression(field)} ${comparison} ${OPERAND})`,
        parameters: [encode(value)],
      };
  }
}

function idCondition(comparison: Comparison, value: Value): Statement {
  if (comparison === 'in') return oneOf('id', value as readonly string[]);
  return { sql: `id ${comparison === '==' ? '=' : comparison} ?`, parameters: [value as string] };
}

/** In a group, where validate.ts lets `==` and `in` pass. */
function pathCondition(comparison: Comparison, value: Value): Statement {
  const paths = (comparison === 'in' ? value : [value]) as readonly string[];
  const pairs = paths.map(() => '(?, ?)').join(', ');
  return { sql: `(collection, id) IN (VALUES ${pairs})`, parameters: paths.flatMap(halves) };
}

function halves(path: string): [collection: string, id: string] {
  const id = documentId(path);
  return [path.slice(0, -id.length - 1), id];
}

function oneOf(expression: string, values: readonly string[]): Statement {
  return { sql: `${expression} IN (${values.map(() => '?').join(', ')})`, parameters: values };
}

function hasField(field: string): Statement {
  return { sql: `${rankExpression(field)} IS NOT NULL`, parameters: [] };
}

/**
 * Fields of which `where` admits one type only. SQLite walks an index for `ORDER BY value` where the rank is
 * fixed, but sorts for `ORDER BY rank, value`, so the rank is left out there.
 */
function pinnedRanks(where: readonly Condition[]): ReadonlyMap<string, number> {
  const inequalities = where.filter((each) => each.field !== DOCUMENT_ID && isInequality(each));
  return new Map(inequalities.map(({ field, value }) => [field, rankOf(value)]));
}

function orderTerm(
  { field, direction }: OrderEntry,
  { source }: CheckedQuery,
  pinned: ReadonlyMap<string, number>,
): string {
  if (field === DOCUMENT_ID) {
    return 'group' in source ? `collection ${direction}, id ${direction}` : `id ${direction}`;
  }
  if (pinned.has(field)) return `${valueExpression(field)} ${direction}`;
  return `${rankExpression(field)} ${direction}, ${valueExpression(field)} ${direction}`;
}

function cursor(
  { source, order, startAfter }: CheckedQuery,
  pinned: ReadonlyMap<string, number>,
): Statement[] {
  if (startAfter === undefined) return [];
  return [...seek(order, startAfter, pinned), after(order, startAfter, 'group' in source)];
}

/** Implied by `after`, but in a form that lets SQLite start in the middle of an index. */
function seek(
  [entry]: readonly OrderEntry[],
  [value]: readonly Value[],
  pinned: ReadonlyMap<string, number>,
): Statement[] {
  if (entry === undefined || value === undefined || entry.field === DOCUMENT_ID) return [];
  const comparison = entry.direction === 'asc' ? '>=' : '<=';
  const rank = rankOf(value);
  if (pinned.get(entry.field) === rank) {
    return [{ sql: `${valueExpression(entry.field)} ${comparison} ${OPERAND}`, parameters: [encode(value)] }];
  }
  return [{ sql: `${rankExpression(entry.field)} ${comparison} ${rank}`, parameters: [] }];
}

/** Later in the order than `values`, compared one entry after another. */
function after(
  [entry, ...order]: readonly OrderEntry[],
  [value, ...values]: readonly Value[],
  isGroup: boolean,
): Statement {
  // A cursor shorter than the order skips every document that begins with its values.
  if (entry === undefined || value === undefined) return { sql: 'FALSE', parameters: [] };
  const beyond = entry.direction === 'asc' ? '>' : '<';
  if (entry.field === DOCUMENT_ID) return nameBeyond(beyond, value as string, isGroup);
  const later = after(order, values, isGroup);
  const rank = rankExpression(entry.field);
  const place = rankOf(value);
  if (value === null) {
    return {
      sql: `(${rank} ${beyond} ${place} OR (${rank} = ${place} AND ${later.sql}))`,
      parameters: later.parameters,
    };
  }
  const stored = valueExpression(entry.field);
  const text = encode(value);
  return {
    sql:
      `(${rank} ${beyond} ${place} OR (${rank} = ${place} AND` +
      ` (${stored} ${beyond} ${OPERAND} OR (${stored} = ${OPERAND} AND ${later.sql}))))`,
    parameters: [text, text, ...later.parameters],
  };
}

function nameBeyond(beyond: '<' | '>', name: string, isGroup: boolean): Statement {
  return isGroup
    ? { sql: `(collection, id) ${beyond} (?, ?)`, parameters: halves(name) }
    : { sql: `id ${beyond} ?`, parameters: [name] };
}

/** Only null, booleans, numbers and strings come here: `validate.ts` refuses to order by anything else. */
function rankOf(value: Value): number {
  return value === null ? RANK.null : RANK[typeof value as 'boolean' | 'number' | 'string'];
}

function join(separator: string, parts: readonly Statement[]): Statement {
  return {
    sql: parts.map(({ sql }) => sql).join(separator),
    parameters: parts.flatMap(({ parameters }) => parameters),
  };
}
