/**
 * A list as a client walks it, from cursor to cursor.
 *
 *   const pages = await walkPages(call, '/api/v1/licenses', 'status=active&page_size=10');
 *   expect(pages.flatMap(itemIds)).toEqual(ids);
 */
import { expect } from 'vitest';
import type { AdminCall } from './admin-calls.ts';

export interface WalkedPage {
  readonly next_cursor: string | null;
  readonly licenses?: readonly { readonly id: string }[];
  readonly customers?: readonly { readonly id: string }[];
}

export const itemIds = ({ licenses = [], customers = [] }: WalkedPage) =>
  [...licenses, ...customers].map(({ id }) => id);

export interface WalkOptions {
  /** A cursor to begin at. */
  readonly from?: string;
  /** Sees each page before the next one is asked for. */
  readonly between?: (page: WalkedPage) => Promise<void>;
}

export async function walkPages(
  call: AdminCall,
  path: string,
  query: string,
  { from, between = async () => {} }: WalkOptions = {},
): Promise<WalkedPage[]> {
  const pages: WalkedPage[] = [];
  for (let cursor: string | null | undefined = from; cursor !== null; ) {
    const more = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { status, body } = await call('GET', `${path}?${query}${more}`);
    expect(status, JSON.stringify(body)).toBe(200);
    pages.push(body);
    await between(body);
    cursor = (body as WalkedPage).next_cursor;
  }
  return pages;
}
