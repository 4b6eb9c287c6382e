/** The order of a query's answer: what was asked for, and what Firestore adds to it (query.proto, `order_by`). */

import { DOCUMENT_NAME, parseFieldPath } from './field-paths.ts';
import { allConditions } from './filters.ts';
import type { SortKey } from './sort.ts';
import { invalid } from './status.ts';
import { compareText } from './values.ts';
import type { StructuredQuery } from './wire.ts';

const INEQUALITIES = new Set([
  'LESS_THAN',
  'LESS_THAN_OR_EQUAL',
  'GREATER_THAN',
  'GREATER_THAN_OR_EQUAL',
  'NOT_EQUAL',
  'NOT_IN',
]);

/** Distinct fields with an inequality, in the order in which they are added to `order_by`. */
export function inequalityFields({ where }: StructuredQuery): string[] {
  const fields = allConditions(where)
    .filter(({ op }) => INEQUALITIES.has(op))
    .map(({ fieldPath }) => fieldPath);
  return [...new Set(fields)].sort(compareText);
}

/** Fields with an inequality that are not ordered by yet, then `__name__`, in the direction of the last order. */
export function completeOrder(query: StructuredQuery): SortKey[] {
  const keys = query.orderBy.map(({ field, direction }) => ({
    fieldPath: checkedPath(field?.fieldPath ?? ''),
    descending: direction === 'DESCENDING',
  }));
  const descending = keys.at(-1)?.descending ?? false;
  const ordered = new Set(keys.map(({ fieldPath }) => fieldPath));
  if (ordered.size < keys.length) throw invalid('order by clause cannot contain duplicate fields.');
  const added = [
    ...inequalityFields(query).filter((fieldPath) => fieldPath !== DOCUMENT_NAME),
    DOCUMENT_NAME,
  ];
  for (const fieldPath of added) if (!ordered.has(fieldPath)) keys.push({ fieldPath, descending });
  return keys;
}

function checkedPath(fieldPath: string): string {
  if (fieldPath !== DOCUMENT_NAME) parseFieldPath(fieldPath);
  return fieldPath;
}
