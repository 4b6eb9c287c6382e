/**
 * The indexes of `../indexes.json`, as SQLite has them. All are partial: documents of other collections, and those
 * without the field, cost nothing.
 */

import type { DatabaseSync } from 'node:sqlite';
import { FIELD_INDEXES, type FieldIndex, GROUP_INDEXES, type GroupIndex, ORDERS } from '../indexes.ts';
import { inGroup, rankExpression, textExpression, valueExpression } from './field-expressions.ts';

/** Of an earlier release: over every collection that has the field. */
const REPLACED = ['by lease_expires_at'];

/**
 * Only compared for equality, within one licence: Firestore finds nothing without the index, but SQLite prefers to
 * walk the licence's sessions.
 */
const NOT_USED: ReadonlySet<string> = new Set(['sessions.seat']);

export function createIndexes(database: DatabaseSync): void {
  for (const name of REPLACED) database.exec(`DROP INDEX IF EXISTS "${name}"`);
  for (const index of FIELD_INDEXES) {
    if (!NOT_USED.has(`${index.collectionGroup}.${index.field}`)) database.exec(inOneCollection(index));
  }
  for (const index of ORDERS) database.exec(inOneCollection(index));
  for (const index of GROUP_INDEXES) database.exec(inAllCollections(index));
}

function inOneCollection({ collectionGroup, field }: FieldIndex): string {
  const columns = ['collection', rankExpression(field), valueExpression(field), 'id'];
  return create(collectionGroup, [field], columns);
}

function inAllCollections({ collectionGroup, equal, ordered }: GroupIndex): string {
  const order = [rankExpression(ordered), valueExpression(ordered), 'collection', 'id'];
  return create(collectionGroup, [...equal, ordered], [...equal.map(textExpression), ...order]);
}

function create(group: string, fields: readonly string[], columns: readonly string[]): string {
  const isIndexed = `${inGroup(group)} AND ${rankExpression(fields.at(-1) ?? '')} IS NOT NULL`;
  return (
    `CREATE INDEX IF NOT EXISTS "${group} by ${fields.join(', ')}"` +
    ` ON documents (${columns.join(', ')}) WHERE ${isIndexed}`
  );
}
