/** Pages of a list in a stable order. */
import { z } from 'zod';

export const MAX_PAGE_SIZE = 100;
/** Deeper, a page by number costs more reads than a list is worth; go on with a cursor or a filter. */
const MAX_DEPTH = 10_000;
/** Of those that are written none is half as long. */
const MAX_CURSOR_LENGTH = 256;

const number = (max: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,5}$/, { error: 'must be a number from 1' })
    .transform(Number)
    .pipe(z.int().max(max));

const page = number(MAX_DEPTH);

/** Members of a query string. */
export const pagingQuery = {
  page: page.default(1).meta({ param: { description: 'From 1, which is the default.' } }),
  page_size: number(MAX_PAGE_SIZE)
    .default(20)
    .meta({ param: { description: `At most ${MAX_PAGE_SIZE}; 20 when left out.` } }),
};

export interface Paging {
  readonly page: number;
  readonly page_size: number;
}

/** What a list answers beside its items. */
export const pagingAnswer = {
  total: z.int().meta({ description: 'Items on all pages together.' }),
  page: z.int().meta({ description: 'From 1.' }),
  page_size: z.int(),
  total_pages: z.int(),
};

/** Of a list whose items are records that others depend on: one that cannot be read hides none of the others. */
export const damagedAnswer = {
  damaged: z.array(z.string()).optional().meta({
    description:
      'Where records of this page are in the store that cannot be read and are left out; absent when there are none.',
  }),
};

export function pagingOf({ page, page_size }: Paging, total: number) {
  return { total, page, page_size, total_pages: Math.ceil(total / page_size) };
}

/** Too deep a page, as a sentence; undefined when it is not. */
export function depthProblem({ page, page_size }: Paging): string | undefined {
  return page * page_size > MAX_DEPTH
    ? `Pages reach to the ${MAX_DEPTH}th item. Narrow the list with a filter.`
    : undefined;
}

/** Of a list that can be walked to its end, however long it is: by number, or on from a cursor. */
export const walkQuery = {
  ...pagingQuery,
  page: page.optional().meta({ param: { description: 'From 1, which is the default.' } }),
  cursor: z
    .string()
    .min(1)
    .max(MAX_CURSOR_LENGTH)
    .optional()
    .meta({ param: { description: '`next_cursor` of the page before; the filters are the same.' } }),
};

export interface Walk {
  readonly page?: number | undefined;
  readonly page_size: number;
  readonly cursor?: string | undefined;
}

/** To go on from a cursor counts nothing: for each page of a long list that would cost more than the page. */
export const walkAnswer = {
  total: z.int().nullable().meta({ description: 'Items on all pages together; null on from a cursor.' }),
  page: z.int().nullable().meta({ description: 'From 1; null on from a cursor.' }),
  page_size: z.int(),
  total_pages: z.int().nullable().meta({ description: 'Null on from a cursor.' }),
  next_cursor: z
    .string()
    .nullable()
    .meta({ description: 'Where the next page begins; null on the last one.' }),
};

/** What is wrong with the page that is asked for; for `superRefine` of a list's query. */
export function checkWalk({ page, page_size, cursor }: Walk, context: z.RefinementCtx): void {
  const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['page'], message });
  if (page === undefined) return;
  if (cursor !== undefined) refuse('is left out where there is a cursor');
  else if (depthProblem({ page, page_size }) !== undefined)
    refuse(`reaches to the ${MAX_DEPTH}th item; go on with next_cursor, or narrow the list with a filter`);
}
