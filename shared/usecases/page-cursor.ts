/**
 * Where a page begins, as a text that clients hand back. It names the last item that was listed by what the list is ordered
 * by, so the next page costs what the first one does, and nothing is remembered in between.
 *
 * The digest binds it to the list, the filters and the customer that the caller may see: with others it would go on
 * somewhere in the middle, and nobody would notice what is missing. It is no signature and needs none. A forged cursor
 * begins at another place of what its caller may see anyway.
 */
import { hex } from '../canonical/hex.ts';
import { canonicalJsonBytes } from '../canonical/jcs.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { CountersignError } from '../errors.ts';
import { documentId, type Query, type Snapshot, type Value } from '../ports/document-store.ts';

/** One query after the other. Each is ordered by a field of instants, or by ids alone. */
export interface List {
  readonly parts: readonly Query[];
  /** What tells it from every other list. */
  readonly identity: JsonObject;
}

export interface Place {
  readonly part: number;
  /** Values of the last item that was listed, as a query starts after them. */
  readonly after: readonly Value[];
}

const DIGEST_BYTES = 8;
/** Digest, part, instant, id as it is stored. */
const SHAPE = /^([0-9a-f]{16})\.(\d)\.(\d{1,15})?\.([\w,-]{1,64})$/;

/** The place after `last`, which is the last item of a page. */
export async function cursorAfter(
  list: List,
  part: number,
  { path, fields }: Pick<Snapshot, 'path' | 'fields'>,
): Promise<string> {
  const field = list.parts[part]?.orderBy?.[0]?.[0];
  const place = `${part}.${field === undefined ? '' : fields[field]}.${documentId(path)}`;
  return `${await digestOf(list, place)}.${place}`;
}

/** @throws CountersignError `invalid_request` for one that this list with these filters did not answer to this caller */
export async function placeOf(list: List, cursor: string): Promise<Place> {
  const [, digest, part, instant, id = ''] = SHAPE.exec(cursor) ?? [];
  const query = list.parts[Number(part)];
  const isOrdered = query?.orderBy !== undefined;
  if (query === undefined || isOrdered !== (instant !== undefined)) throw foreign();
  if (digest !== (await digestOf(list, cursor.slice(cursor.indexOf('.') + 1)))) throw foreign();
  return { part: Number(part), after: instant === undefined ? [id] : [Number(instant), id] };
}

async function digestOf({ identity }: List, place: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', canonicalJsonBytes({ identity, place }));
  return hex(new Uint8Array(digest).subarray(0, DIGEST_BYTES));
}

function foreign(): CountersignError {
  const detail =
    'The parameter cursor: must be the next_cursor of a page of this list with the same filters. Begin again without one.';
  return new CountersignError('invalid_request', detail, { errors: [{ pointer: '', detail }] });
}
