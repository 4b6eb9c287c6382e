/**
 * Narrow copies of what lists are filtered and ordered by. Each order of `../indexes.json` has a table: its primary key is the
 * order, its columns are the filters and the other orders. So a filter is looked at, and documents are counted, without
 * parsing one.
 *
 * Indexes over `documents` cannot do that. Its rows have no rowid, and for each entry of an index over expressions SQLite looks up the
 * row, also where EXPLAIN QUERY PLAN says COVERING INDEX.
 */
import { COLLECTION_INDEXES, ORDERS } from '../indexes.ts';
import { inGroup, rankExpression, textExpression, valueExpression } from './field-expressions.ts';

export interface OrderTable {
  readonly name: string;
  readonly group: string;
  /** The field of the order. */
  readonly ordered: string;
  /** Every field that an order of this group goes by, that one included: kept as rank and value. */
  readonly orders: readonly string[];
  /** Compared for equality: kept as canonical text. */
  readonly equal: readonly string[];
  /** Those of `equal` that have an index. */
  readonly selective: readonly string[];
}

/**
 * Fields of which few documents share a value, so that finding those is worth an index; of the others, such as the status,
 * SQLite walks the order and looks at them on the way.
 */
const SELECTIVE: ReadonlySet<string> = new Set([
  'licenses.customer_id',
  'licenses.email',
  'audit.actor',
  'audit.target',
]);

/** Of a document without the field. A primary key has no NULL, and documents without an end are counted too. */
const MISSING_RANK = -1;

export const ORDER_TABLES: readonly OrderTable[] = ORDERS.map(
  ({ collectionGroup: group, field: ordered }) => {
    const filters = COLLECTION_INDEXES.filter((index) => index.collectionGroup === group);
    const equal = [...new Set(filters.flatMap((index) => index.equal))];
    return {
      name: `${group} in order of ${ordered}`,
      group,
      ordered,
      orders: [...new Set(filters.map((index) => index.ordered))],
      equal: equal.filter((field) => !filters.some((index) => index.ordered === field)),
      selective: equal.filter((field) => SELECTIVE.has(`${group}.${field}`)),
    };
  },
);

export const textColumn = (field: string) => `"${field} text"`;
export const rankColumn = (field: string) => `"${field} rank"`;
export const valueColumn = (field: string) => `"${field} value"`;
export const hasColumn = (field: string) => `${rankColumn(field)} > ${MISSING_RANK}`;

export function selectiveIndex({ group, ordered }: OrderTable, field: string): string {
  return `${group} of ${field} in order of ${ordered}`;
}

/** By name: the statement that makes it. The table is the first. */
export function definitionsOf(table: OrderTable): ReadonlyMap<string, string> {
  const { name, group } = table;
  const remove = removal(table);
  const insert = copying(table, 'NEW.');
  const triggers = [
    trigger(`${name}: insert`, `AFTER INSERT ON documents WHEN ${inGroup(group, 'NEW.')}`, [insert]),
    trigger(`${name}: update`, `AFTER UPDATE ON documents WHEN ${inGroup(group, 'NEW.')}`, [remove, insert]),
    trigger(`${name}: delete`, `AFTER DELETE ON documents WHEN ${inGroup(group, 'OLD.')}`, [remove]),
  ];
  return new Map([
    [name, tableOf(table)],
    ...table.selective.map((each) => indexOf(table, each)),
    ...triggers,
  ]);
}

/** Copies what is in `documents` already. */
export function fillingOf(table: OrderTable): string {
  return `${copying(table, '')} FROM documents WHERE ${inGroup(table.group)}`;
}

function tableOf({ name, ordered, orders, equal }: OrderTable): string {
  const columns = [
    'collection TEXT NOT NULL',
    `${rankColumn(ordered)} INTEGER NOT NULL`,
    `${valueColumn(ordered)} ANY NOT NULL`,
    'id TEXT NOT NULL',
    ...equal.map((field) => `${textColumn(field)} TEXT`),
    ...others({ ordered, orders }).flatMap((field) => [
      `${rankColumn(field)} INTEGER NOT NULL`,
      `${valueColumn(field)} ANY NOT NULL`,
    ]),
    `PRIMARY KEY (collection, ${rankColumn(ordered)}, ${valueColumn(ordered)}, id)`,
  ];
  return `CREATE TABLE "${name}" (${columns.join(', ')}) STRICT, WITHOUT ROWID`;
}

function indexOf(table: OrderTable, field: string): readonly [name: string, sql: string] {
  const { name, ordered } = table;
  const columns = ['collection', textColumn(field), rankColumn(ordered), valueColumn(ordered), 'id'];
  const index = selectiveIndex(table, field);
  return [index, `CREATE INDEX "${index}" ON "${name}" (${columns.join(', ')})`];
}

function trigger(name: string, when: string, acts: readonly string[]): readonly [name: string, sql: string] {
  return [name, `CREATE TRIGGER "${name}" ${when} BEGIN ${acts.map((act) => `${act};`).join(' ')} END`];
}

function copying({ name, ordered, orders, equal }: OrderTable, row: string): string {
  const values = [
    `${row}collection`,
    ...placeOf(ordered, row),
    `${row}id`,
    ...equal.map((field) => textExpression(field, row)),
    ...others({ ordered, orders }).flatMap((field) => placeOf(field, row)),
  ];
  return `INSERT INTO "${name}" SELECT ${values.join(', ')}`;
}

function removal({ name, ordered }: OrderTable): string {
  const [rank, value] = placeOf(ordered, 'OLD.');
  return (
    `DELETE FROM "${name}" WHERE collection = OLD.collection AND ${rankColumn(ordered)} = ${rank}` +
    ` AND ${valueColumn(ordered)} = ${value} AND id = OLD.id`
  );
}

function placeOf(field: string, row: string): readonly [rank: string, value: string] {
  return [
    `coalesce(${rankExpression(field, row)}, ${MISSING_RANK})`,
    `coalesce(${valueExpression(field, row)}, '')`,
  ];
}

function others({ ordered, orders }: Pick<OrderTable, 'ordered' | 'orders'>): readonly string[] {
  return orders.filter((field) => field !== ordered);
}
