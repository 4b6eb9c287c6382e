/** Turns a checked query into one SELECT. Values are always bound, never spelled into the SQL. */

import type { Comparison, QuerySource, Value } from '../../../shared/ports/document-store.ts';
import { DOCUMENT_ID, documentId } from '../../../shared/ports/document-store.ts';
import { type CheckedQuery, type Condition, isInequality, type OrderEntry } from '../validate.ts';
import { type Columns, columnsToCount, columnsToList, DOCUMENTS } from './columns.ts';
import { IDENTIFYING } from './create-indexes.ts';
import { encode } from './encoding.ts';
import { inGroup, jsonPath, RANK, rankExpression, valueExpression } from './field-expressions.ts';

export interface Statement {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

/** Both sides of a comparison go through the same conversion, so equal numbers are equal to the last bit. */
const OPERAND = "json_extract(?, '$')";

/** Selects `collection`, `id`, `fields` and `version`, in the query's order. */
export function compileQuery(query: CheckedQuery): Statement {
  const columns = columnsToList(query);
  const pinned = pinnedRanks(query.where);
  const order = query.order.map((entry) => orderTerm(entry, query, pinned, columns)).join(', ');
  const ordered = query.order.filter(({ field }) => field !== DOCUMENT_ID);
  const filters = join(' AND ', [
    matches(query, columns),
    ...ordered.map(({ field }) => ({ sql: columns.hasField(field), parameters: [] })),
    ...cursor(query, pinned, columns),
  ]);
  return join(' ', [
    { sql: `SELECT collection, id, fields, version FROM ${columns.from} WHERE`, parameters: [] },
    filters,
    { sql: `ORDER BY ${order}`, parameters: [] },
    ...(query.limit === undefined ? [] : [{ sql: 'LIMIT ?', parameters: [query.limit] }]),
  ]);
}

/** Selects `count`, and `sum0`, `sum1`, … in the order of `sums`. */
export function compileAggregate(query: CheckedQuery, sums: readonly string[]): Statement {
  const columns = sums.length === 0 ? columnsToCount(query) : DOCUMENTS;
  const totals = sums.map((field, index) => {
    const number = `CASE WHEN ${rankExpression(field)} = ${RANK.number} THEN ${valueExpression(field)} END`;
    // total(), not sum(): the latter fails when integers overflow 64 bits.
    return `, total(${number}) AS sum${index}`;
  });
  return join(' ', [
    { sql: `SELECT count(*) AS count${totals.join('')} FROM ${columns.from} WHERE`, parameters: [] },
    matches(query, columns),
  ]);
}

function matches({ source, where }: CheckedQuery, columns: Columns): Statement {
  const conditions = where.map((each) => condition(each, 'group' in source, columns));
  const isIdentified = where.some(
    ({ field, comparison }) => comparison === '==' && isIdentifying(source, field),
  );
  return join(' AND ', [...looksIn(source, isIdentified, columns), ...conditions]);
}

function isIdentifying(source: QuerySource, field: string): boolean {
  return 'collection' in source && IDENTIFYING.has(`${documentId(source.collection)}.${field}`);
}

/** With the plus sign no index over the collection is considered, which SQLite would otherwise walk from end to end. */
function looksIn(source: QuerySource, isIdentified: boolean, columns: Columns): Statement[] {
  if ('group' in source) return [{ sql: inGroup(source.group), parameters: [] }];
  const collection = {
    sql: `${isIdentified ? '+' : ''}collection = ?`,
    parameters: [source.collection],
  };
  const group = columns.inGroup(documentId(source.collection));
  return group === undefined ? [collection] : [collection, { sql: group, parameters: [] }];
}

function condition({ field, comparison, value }: Condition, isGroup: boolean, columns: Columns): Statement {
  if (field === DOCUMENT_ID) {
    return isGroup ? pathCondition(comparison, value) : idCondition(comparison, value);
  }
  const text = columns.text(field);
  switch (comparison) {
    case '==':
      return text === undefined
        ? placedAt(field, value, columns)
        : { sql: `${text} = ?`, parameters: [encode(value)] };
    case 'in':
      return oneOf(text ?? '', (value as readonly Value[]).map(encode));
    case 'array-contains':
      return {
        sql:
          `(${columns.rank(field)} = ${RANK.array} AND EXISTS (SELECT 1` +
          ` FROM json_each(fields, ${jsonPath(field)}) AS element WHERE fields -> element.fullkey = ?))`,
        parameters: [encode(value)],
      };
    default:
      return compared(field, comparison, value, columns);
  }
}

/** Null has a rank of its own, and needs no value. */
function placedAt(field: string, value: Value, columns: Columns): Statement {
  if (value !== null) return compared(field, '=', value, columns);
  return { sql: `${columns.rank(field)} = ${RANK.null}`, parameters: [] };
}

function compared(field: string, comparison: string, value: Value, columns: Columns): Statement {
  return {
    sql: `(${columns.rank(field)} = ${rankOf(value)} AND ${columns.value(field)} ${comparison} ${OPERAND})`,
    parameters: [encode(value)],
  };
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
  columns: Columns,
): string {
  if (field === DOCUMENT_ID) {
    return 'group' in source ? `collection ${direction}, id ${direction}` : `id ${direction}`;
  }
  if (pinned.has(field)) return `${columns.value(field)} ${direction}`;
  return `${columns.rank(field)} ${direction}, ${columns.value(field)} ${direction}`;
}

function cursor(
  { source, order, startAfter }: CheckedQuery,
  pinned: ReadonlyMap<string, number>,
  columns: Columns,
): Statement[] {
  if (startAfter === undefined) return [];
  return [...seek(order, startAfter, pinned, columns), after(order, startAfter, 'group' in source, columns)];
}

/** Implied by `after`, but in a form that lets SQLite start in the middle of an index. */
function seek(
  [entry]: readonly OrderEntry[],
  [value]: readonly Value[],
  pinned: ReadonlyMap<string, number>,
  columns: Columns,
): Statement[] {
  if (entry === undefined || value === undefined || entry.field === DOCUMENT_ID) return [];
  const comparison = entry.direction === 'asc' ? '>=' : '<=';
  const rank = rankOf(value);
  if (pinned.get(entry.field) === rank) {
    return [{ sql: `${columns.value(entry.field)} ${comparison} ${OPERAND}`, parameters: [encode(value)] }];
  }
  return [{ sql: `${columns.rank(entry.field)} ${comparison} ${rank}`, parameters: [] }];
}

/** Later in the order than `values`, compared one entry after another. */
function after(
  [entry, ...order]: readonly OrderEntry[],
  [value, ...values]: readonly Value[],
  isGroup: boolean,
  columns: Columns,
): Statement {
  // A cursor shorter than the order skips every document that begins with its values.
  if (entry === undefined || value === undefined) return { sql: 'FALSE', parameters: [] };
  const beyond = entry.direction === 'asc' ? '>' : '<';
  if (entry.field === DOCUMENT_ID) return nameBeyond(beyond, value as string, isGroup);
  const later = after(order, values, isGroup, columns);
  const rank = columns.rank(entry.field);
  const place = rankOf(value);
  if (value === null) {
    return {
      sql: `(${rank} ${beyond} ${place} OR (${rank} = ${place} AND ${later.sql}))`,
      parameters: later.parameters,
    };
  }
  const stored = columns.value(entry.field);
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
