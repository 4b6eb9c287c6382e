/**
 * The document store in memory: the model that real adapters are compared with, and the simulation's. A simulation
 * takes a million steps on it, so a document is copied and frozen once, when it is written; reads hand it out as it is.
 */

import {
  type CheckedQuery,
  checkAggregates,
  checkDocumentPath,
  checkDocumentSize,
  checkQuery,
  checkWrites,
} from '../../infra/stores/validate.ts';
import type { DocumentStore, Fields, Snapshot, Value, Write } from '../../shared/ports/document-store.ts';
import { ConflictError } from '../../shared/ports/document-store.ts';
import { compareInOrder, matches, orderKey, valueAt } from './memory-store/matching.ts';
import { createShelves } from './memory-store/shelves.ts';
import { equal, frozenCopy } from './memory-store/values.ts';

/** Commits are applied in the order of the calls, each at once; they resolve in a later microtask. */
export function openMemoryStore(): DocumentStore {
  const shelves = createShelves();
  let commits = 0;

  function find(query: CheckedQuery): Snapshot[] {
    return shelves
      .documentsOf(query.source)
      .filter((document) => query.where.every((condition) => matches(query, document, condition)));
  }

  return {
    async get(paths) {
      for (const path of paths) checkDocumentPath(path);
      return paths.map((path) => shelves.get(path));
    },

    async query(query) {
      const checked = checkQuery(query);
      const { order, startAfter, limit } = checked;
      return find(checked)
        .filter((document) => order.every(({ field }) => valueAt(checked, document, field) !== undefined))
        .map((document) => ({ document, key: orderKey(checked, document) }))
        .filter(({ key }) => startAfter === undefined || compareInOrder(checked, key, startAfter) > 0)
        .sort((a, b) => compareInOrder(checked, a.key, b.key))
        .slice(0, limit)
        .map(({ document }) => document);
    },

    async aggregate(query, aggregates = {}) {
      const fields = checkAggregates(aggregates);
      const checked = checkQuery(query);
      const found = find(checked);
      const sums = fields.map((field) => [
        field,
        sum(found.map((document) => valueAt(checked, document, field))),
      ]);
      return { count: found.length, sums: Object.fromEntries(sums) };
    },

    async commit(writes) {
      checkWrites(writes);
      // No two writes are to one document, so none sees another: all are decided before any is applied.
      const version = `v${commits + 1}`;
      const after = writes.map((write) => resultOf(write, shelves.get(write.path), version));
      commits += 1;
      for (const [index, { path }] of writes.entries()) shelves.put(path, after[index]);
      return after.map((snapshot) => snapshot?.version);
    },
  };
}

/** The document after the write; undefined when it is gone. */
function resultOf(write: Write, stored: Snapshot | undefined, version: string): Snapshot | undefined {
  requireDemand(write, stored);
  if (write.op === 'delete') return undefined;
  const fields: Fields = write.op === 'update' ? { ...stored?.fields, ...write.fields } : write.fields;
  if (write.op === 'update') checkDocumentSize(write.path, fields);
  if (stored !== undefined && equal(fields, stored.fields)) return stored;
  return Object.freeze({ path: write.path, fields: frozenCopy(fields), version });
}

function requireDemand(write: Write, stored: Snapshot | undefined): void {
  const demand = write.demand ?? (write.op === 'update' ? 'present' : undefined);
  if (demand === undefined) return;
  const holds =
    demand === 'absent'
      ? stored === undefined
      : stored !== undefined && (demand === 'present' || stored.version === demand.version);
  if (!holds) throw new ConflictError(write.path);
}

function sum(values: readonly (Value | undefined)[]): number {
  return values.reduce<number>((total, value) => (typeof value === 'number' ? total + value : total), 0);
}
