/** Pages of a list in a stable order. */
import { z } from 'zod';

export const MAX_PAGE_SIZE = 100;
/** Deeper, a page costs more reads than a list is worth; go on with a filter. */
const MAX_DEPTH = 10_000;

const number = (max: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,5}$/, { error: 'must be a number from 1' })
    .transform(Number)
    .pipe(z.int().max(max));

/** Members of a query string. */
export const pagingQuery = {
  page: number(MAX_DEPTH).default(1),
  page_size: number(MAX_PAGE_SIZE).default(20),
};

export interface Paging {
  readonly page: number;
  readonly page_size: number;
}

/** What a list answers beside its items. */
export const pagingAnswer = {
  total: z.int(),
  page: z.int(),
  page_size: z.int(),
  total_pages: z.int(),
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
