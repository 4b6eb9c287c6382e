/** Walks through everything that a query finds, a page at a time, also while it changes. */
import { MAINTENANCE_PAGE, MAINTENANCE_PARALLEL } from '../constants.ts';
import {
  type DocumentStore,
  documentId,
  type Query,
  type Snapshot,
  type Value,
} from '../ports/document-store.ts';

/**
 * Calls `work` with page after page until there is no further one, or `work` answers false. A document that `work`
 * leaves where it is is not met again.
 */
export async function forEachPage(
  store: DocumentStore,
  query: Query,
  work: (page: readonly Snapshot[]) => Promise<boolean>,
): Promise<boolean> {
  let cursor: readonly Value[] | undefined;
  for (;;) {
    const from = cursor === undefined ? {} : { startAfter: cursor };
    const page = await store.query({ ...query, ...from, limit: MAINTENANCE_PAGE });
    if (page.length > 0 && !(await work(page))) return false;
    const last = page.at(-1);
    if (last === undefined || page.length < MAINTENANCE_PAGE) return true;
    cursor = cursorAfter(query, last);
  }
}

function cursorAfter(query: Query, { path, fields }: Snapshot): Value[] {
  const values = (query.orderBy ?? []).map(([field]) => fields[field] ?? null);
  return [...values, 'group' in query ? path : documentId(path)];
}

/** Works on all items, a few at once. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: MAINTENANCE_PARALLEL }, worker));
}
