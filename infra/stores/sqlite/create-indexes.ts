/**
 * The indexes of `../indexes.json`, as SQLite has them. Those over `documents` are partial: documents of other collections, and
 * mostly those without the field, cost nothing. Orders with filters are tables (`order-tables.ts`).
 */

import type { DatabaseSync } from 'node:sqlite';
import { FIELD_INDEXES, type FieldIndex, GROUP_INDEXES, type GroupIndex } from '../indexes.ts';
import { inGroup, rankExpression, textExpression, valueExpression } from './field-expressions.ts';
import { definitionsOf, fillingOf, ORDER_TABLES, type OrderTable } from './order-tables.ts';

/**
 * Of earlier releases: over every collection that has the field, by values where equality is asked for, or in place of a
 * table.
 */
const REPLACED = [
  'by lease_expires_at',
  'licenses by license_id',
  'api_keys by prefix',
  'api_keys by customer_id',
  'licenses by created_at',
  'licenses by expires_at',
  'licenses of customer_id, created_at',
  'licenses of customer_id, expires_at',
  'licenses of email, created_at',
  'licenses of email, expires_at',
  'audit by at',
  'audit of actor, at',
  'audit of target, at',
];

/** Found by their value alone: SQLite does not know that few documents share one, so `compile.ts` tells it. */
export const IDENTIFYING: ReadonlySet<string> = new Set([
  'licenses.license_id',
  'api_keys.prefix',
  'api_keys.customer_id',
]);

/**
 * Only compared for equality, within one licence: Firestore finds nothing without the index, but SQLite prefers to
 * walk the licence's sessions.
 */
const NOT_USED: ReadonlySet<string> = new Set(['sessions.seat']);

export function createIndexes(database: DatabaseSync): void {
  for (const name of REPLACED) database.exec(`DROP INDEX IF EXISTS "${name}"`);
  for (const index of FIELD_INDEXES) {
    const name = `${index.collectionGroup}.${index.field}`;
    if (IDENTIFYING.has(name)) database.exec(byValue(index));
    else if (!NOT_USED.has(name)) database.exec(inOneCollection(index));
  }
  for (const index of GROUP_INDEXES) database.exec(inAllCollections(index));
  for (const table of ORDER_TABLES) createTable(database, table);
}

/** Anew where another release defined it otherwise: what is in it is all in `documents`. */
function createTable(database: DatabaseSync, table: OrderTable): void {
  const definitions = definitionsOf(table);
  const find = database.prepare('SELECT type, sql FROM sqlite_schema WHERE name = ?');
  const isDefined = ([name, sql]: readonly [string, string]) => find.get(name)?.sql === sql;
  if ([...definitions].every(isDefined)) return;
  for (const name of [...definitions.keys()].toReversed()) {
    const { type } = find.get(name) ?? {};
    if (type !== undefined) database.exec(`DROP ${type} "${name}"`);
  }
  const [create, ...rest] = definitions.values();
  for (const sql of [create ?? '', fillingOf(table), ...rest]) database.exec(sql);
}

function inOneCollection({ collectionGroup, field }: FieldIndex): string {
  const columns = ['collection', rankExpression(field), valueExpression(field), 'id'];
  return create(collectionGroup, [field], columns);
}

function byValue({ collectionGroup, field }: FieldIndex): string {
  return statement(`${collectionGroup} of ${field}`, [textExpression(field), 'id'], inGroup(collectionGroup));
}

function inAllCollections({ collectionGroup, equal, ordered }: GroupIndex): string {
  const order = [rankExpression(ordered), valueExpression(ordered), 'collection', 'id'];
  return create(
    collectionGroup,
    [...equal, ordered],
    [...equal.map((field) => textExpression(field)), ...order],
  );
}

function create(group: string, fields: readonly string[], columns: readonly string[]): string {
  const isIndexed = `${inGroup(group)} AND ${rankExpression(fields.at(-1) ?? '')} IS NOT NULL`;
  return statement(`${group} by ${fields.join(', ')}`, columns, isIndexed);
}

function statement(name: string, columns: readonly string[], isIndexed: string): string {
  return `CREATE INDEX IF NOT EXISTS "${name}" ON documents (${columns.join(', ')}) WHERE ${isIndexed}`;
}
