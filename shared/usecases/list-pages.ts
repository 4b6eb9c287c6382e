/**
 * Pages of a list. By number a page is read from the beginning of the list, and counted; on from a cursor it is read from
 * its own beginning, so the last page of a long list costs what the second one does.
 */
import type { Caller } from '../access/caller.ts';
import type { DocumentStore, Query, Snapshot } from '../ports/document-store.ts';
import { pagingOf, type Walk } from '../wire/paging.ts';
import { cursorAfter, type List, type Place, placeOf } from './page-cursor.ts';
import { together } from './together.ts';

export interface ListPage {
  readonly snapshots: readonly Snapshot[];
  readonly paging: {
    readonly total: number | null;
    readonly page: number | null;
    readonly page_size: number;
    readonly total_pages: number | null;
    readonly next_cursor: string | null;
  };
}

interface Found {
  readonly part: number;
  readonly snapshot: Snapshot;
}

/** All members but those of the walk are filters. */
type Wanted = Walk & Readonly<Record<string, string | number | boolean | undefined>>;

/** The list that a query string asks for, to this caller. */
export function listOf(
  name: string,
  { customerId }: Pick<Caller, 'customerId'>,
  { page: _page, page_size: _size, cursor: _cursor, ...filters }: Wanted,
  parts: readonly Query[],
): List {
  const given = Object.entries(filters).flatMap(([filter, value]) =>
    value === undefined ? [] : [[filter, value] as const],
  );
  return { parts, identity: { name, caller: customerId, filters: Object.fromEntries(given) } };
}

/** @throws CountersignError `invalid_request` for a cursor of another list, `store_unavailable` */
export async function readPage(
  store: DocumentStore,
  list: List,
  { page = 1, page_size, cursor }: Walk,
): Promise<ListPage> {
  // One more than is wanted tells whether there is a next page.
  if (cursor !== undefined) {
    const found = await readAfter(store, list.parts, await placeOf(list, cursor), page_size + 1);
    return pageOf(list, found, { total: null, page: null, page_size, total_pages: null });
  }
  const end = page * page_size;
  const { found, total } = await readToEnd(store, list.parts, end + 1);
  return pageOf(list, found.slice(end - page_size), pagingOf({ page, page_size }, total));
}

async function pageOf(
  list: List,
  found: readonly Found[],
  paging: Omit<ListPage['paging'], 'next_cursor'>,
): Promise<ListPage> {
  const listed = found.slice(0, paging.page_size);
  const last = listed.at(-1);
  const isLast = last === undefined || listed.length === found.length;
  return {
    snapshots: listed.map(({ snapshot }) => snapshot),
    paging: { ...paging, next_cursor: isLast ? null : await cursorAfter(list, last.part, last.snapshot) },
  };
}

/** All parts at once, so that a page costs the same calls wherever one part ends. */
async function readToEnd(
  store: DocumentStore,
  parts: readonly Query[],
  limit: number,
): Promise<{ readonly found: readonly Found[]; readonly total: number }> {
  const read = await together(
    parts.map((query, part) => together([readPart(store, part, query, limit), store.aggregate(query)])),
  );
  return {
    found: read.flatMap(([found]) => found),
    total: read.reduce((sum, [, { count }]) => sum + count, 0),
  };
}

/** The next part is asked only when this one has no more: no page reads twice what it shows. */
async function readAfter(
  store: DocumentStore,
  parts: readonly Query[],
  { part: first, after }: Place,
  limit: number,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const [part, query] of parts.entries()) {
    if (part < first || found.length === limit) continue;
    const rest = part === first ? startingAfter(query, after) : query;
    found.push(...(await readPart(store, part, rest, limit - found.length)));
  }
  return found;
}

async function readPart(
  store: DocumentStore,
  part: number,
  query: Query,
  limit: number,
): Promise<readonly Found[]> {
  const snapshots = await store.query({ ...query, limit });
  return snapshots.map((snapshot) => ({ part, snapshot }));
}

/**
 * The bound says what the cursor says. From it SQLite knows the type, and begins in the middle of its index; a bound that
 * lies before it would make it begin there.
 */
function startingAfter(query: Query, after: Place['after']): Query {
  const [entry] = query.orderBy ?? [];
  const [value] = after;
  if (entry === undefined || value === undefined) return { ...query, startAfter: after };
  const [field, direction] = entry;
  const bound = direction === 'asc' ? '>=' : '<=';
  const others = (query.where ?? []).filter(([name, comparison, limit]) => {
    const isBefore = comparison.startsWith('>') && Number(limit) <= Number(value);
    return !(name === field && direction === 'asc' && isBefore);
  });
  return { ...query, where: [...others, [field, bound, value]], startAfter: after };
}
