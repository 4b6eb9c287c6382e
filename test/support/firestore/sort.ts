/** Orders of documents, as a query asks for them and as the storage keeps them. */

import { DOCUMENT_NAME, type FieldPath, fieldAt, parseFieldPath } from './field-paths.ts';
import { compareNames, compareValues } from './values.ts';
import type { Fields, Value } from './wire.ts';

export interface SortKey {
  readonly fieldPath: string;
  readonly descending: boolean;
}

/** What a sort looks at. */
export interface Sortable {
  readonly name: string;
  readonly fields: Fields;
}

export interface Sort {
  /** Equal for equal sorts. */
  readonly id: string;
  readonly keys: readonly SortKey[];
  /** A document without one of the fields is not in the order at all. */
  accepts(document: Sortable): boolean;
  compare(left: Sortable, right: Sortable): number;
  /** Where a document lies with respect to all that have these values in the first keys. */
  compareTo(document: Sortable, values: readonly Value[]): number;
}

interface CompiledKey {
  readonly path: FieldPath | undefined;
  readonly sign: 1 | -1;
}

/** A sort is total when `__name__` is among its keys. */
export function createSort(keys: readonly SortKey[]): Sort {
  const compiled = keys.map(compileKey);
  return {
    id: keys.map(({ fieldPath, descending }) => `${fieldPath} ${descending ? 'desc' : 'asc'}`).join(),
    keys,
    accepts: (document) =>
      compiled.every(({ path }) => path === undefined || fieldAt(document.fields, path) !== undefined),
    compare(left, right) {
      for (const { path, sign } of compiled) {
        const order =
          path === undefined
            ? compareNames(left.name, right.name)
            : compareFields(left.fields, right.fields, path);
        if (order !== 0) return sign * order;
      }
      return 0;
    },
    compareTo(document, values) {
      for (const [index, value] of values.entries()) {
        const key = compiled[index];
        if (key === undefined) return 0;
        const order = compareWith(document, key.path, value);
        if (order !== 0) return key.sign * order;
      }
      return 0;
    },
  };
}

function compileKey({ fieldPath, descending }: SortKey): CompiledKey {
  return {
    path: fieldPath === DOCUMENT_NAME ? undefined : parseFieldPath(fieldPath),
    sign: descending ? -1 : 1,
  };
}

function compareFields(left: Fields, right: Fields, path: FieldPath): number {
  return compareValues(present(fieldAt(left, path)), present(fieldAt(right, path)));
}

function compareWith(document: Sortable, path: FieldPath | undefined, value: Value): number {
  if (path !== undefined) return compareValues(present(fieldAt(document.fields, path)), value);
  if (value.valueType !== 'referenceValue') throw new Error('a document name compares with a reference only');
  return compareNames(document.name, value.referenceValue);
}

/** Only accepted documents are compared. */
function present(value: Value | undefined): Value {
  if (value === undefined) throw new Error('a document without the field is in the order');
  return value;
}

/** The first position at which `isPast` holds; it must hold for all that follow. */
export function firstPosition<T>(sorted: readonly T[], isPast: (item: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isPast(sorted[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
