/** Which documents a query finds, and in which order. */
import type { CheckedQuery, Condition } from '../../../infra/stores/validate.ts';
import { DOCUMENT_ID, documentId, type Snapshot, type Value } from '../../../shared/ports/document-store.ts';
import { compare, equal, isArray } from './values.ts';

export function matches(query: CheckedQuery, document: Snapshot, condition: Condition): boolean {
  const { field, comparison, value: operand } = condition;
  const value = valueAt(query, document, field);
  if (value === undefined) return false;
  switch (comparison) {
    case '==':
      return equal(value, operand);
    case 'in':
      return (operand as Value[]).some((candidate) => equal(value, candidate));
    case 'array-contains':
      return isArray(value) && value.some((element) => equal(element, operand));
    default:
      return (
        typeof value === typeof operand && value !== null && INEQUALITY[comparison](compare(value, operand))
      );
  }
}

const INEQUALITY = {
  '<': (compared: number) => compared < 0,
  '<=': (compared: number) => compared <= 0,
  '>': (compared: number) => compared > 0,
  '>=': (compared: number) => compared >= 0,
};

export function valueAt({ source }: CheckedQuery, document: Snapshot, field: string): Value | undefined {
  if (field === DOCUMENT_ID) return 'group' in source ? document.path : documentId(document.path);
  let value: Value | undefined = document.fields;
  for (const name of field.split('.')) {
    if (typeof value !== 'object' || value === null || isArray(value)) return undefined;
    value = Object.hasOwn(value, name) ? value[name] : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}

export function orderKey(query: CheckedQuery, document: Snapshot): Value[] {
  return query.order.map(({ field }) => valueAt(query, document, field) ?? null);
}

/** `b` may be shorter than the order, as a cursor may. */
export function compareInOrder({ order }: CheckedQuery, a: readonly Value[], b: readonly Value[]): number {
  for (const [index, { direction }] of order.slice(0, b.length).entries()) {
    const compared = compare(a[index] ?? null, b[index] ?? null);
    if (compared !== 0) return direction === 'asc' ? compared : -compared;
  }
  return 0;
}
