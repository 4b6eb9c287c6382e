/**
 * The indexes of `../indexes.json`, as SQLite has them. All are partial: documents of other collections, and mostly those
 * without the field, cost nothing.
 */

import type { DatabaseSync } from 'node:sqlite';
import {
  COLLECTION_INDEXES,
  FIELD_INDEXES,
  type FieldIndex,
  GROUP_INDEXES,
  type GroupIndex,
  ORDERS,
} from '../indexes.ts';
import { inGroup, rankExpression, textExpression, valueExpression } from './field-expressions.ts';

/** Of earlier releases: over every collection that has the field, or by values where equality is asked for. */
const REPLACED = [
  'by lease_expires_at',
  'licenses by license_id',
  'api_keys by prefix',
  'api_keys by customer_id',
];

/** Found by their value alone: SQLite does not know that few documents share one, so `compile.ts` tells it. */
export const IDENTIFYING: ReadonlySet<string> = new Set([
  'licenses.license_id',
  'api_keys.prefix',
  'api_keys.customer_id',
]);

/**
 * Fields of which few documents share a value, so that finding those is worth an index; of the others, such as the status,
 * SQLite walks an order and looks at them on the way.
 */
const SELECTIVE: ReadonlySet<string> = new Set([
  'licenses.customer_id',
  'licenses.email',
  'audit.actor',
  'audit.target',
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
  for (const index of ORDERS) database.exec(inOneCollection(index));
  for (const index of COLLECTION_INDEXES) {
    if (index.equal.some((field) => SELECTIVE.has(`${index.collectionGroup}.${field}`)))
      database.exec(byValues(index));
  }
  for (const index of GROUP_INDEXES) database.exec(inAllCollections(index));
}

function inOneCollection({ collectionGroup, field }: FieldIndex): string {
  const columns = ['collection', rankExpression(field), valueExpression(field), 'id'];
  return create(collectionGroup, [field], columns);
}

function byValue({ collectionGroup, field }: FieldIndex): string {
  return statement(`${collectionGroup} of ${field}`, [textExpression(field), 'id'], inGroup(collectionGroup));
}

/** Counts use it too, which do not ask for the order. */
function byValues({ collectionGroup, equal, ordered }: GroupIndex): string {
  const order = [rankExpression(ordered), valueExpression(ordered), 'id'];
  const columns = ['collection', ...equal.map(textExpression), ...order];
  return statement(
    `${collectionGroup} of ${[...equal, ordered].join(', ')}`,
    columns,
    inGroup(collectionGroup),
  );
}

function inAllCollections({ collectionGroup, equal, ordered }: GroupIndex): string {
  const order = [rankExpression(ordered), valueExpression(ordered), 'collection', 'id'];
  return create(collectionGroup, [...equal, ordered], [...equal.map(textExpression), ...order]);
}

function create(group: string, fields: readonly string[], columns: readonly string[]): string {
  const isIndexed = `${inGroup(group)} AND ${rankExpression(fields.at(-1) ?? '')} IS NOT NULL`;
  return statement(`${group} by ${fields.join(', ')}`, columns, isIndexed);
}

function statement(name: string, columns: readonly string[], isIndexed: string): string {
  return `CREATE INDEX IF NOT EXISTS "${name}" ON documents (${columns.join(', ')}) WHERE ${isIndexed}`;
}
