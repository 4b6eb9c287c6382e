/** Values: copied, compared and ordered as the port says. */
import type { Fields, Value } from '../../../shared/ports/document-store.ts';

/** A copy that nobody can change; -0 becomes 0. */
export function frozenCopy<T extends Value>(value: T): T {
  return frozen(value) as T;
}

function frozen(value: Value): Value {
  // -0 + 0 is 0.
  if (typeof value === 'number') return value + 0;
  if (typeof value !== 'object' || value === null) return value;
  if (isArray(value)) return Object.freeze(value.map(frozen));
  const copy: Record<string, Value> = {};
  for (const name of Object.keys(value)) copy[name] = frozen(value[name] as Value);
  return Object.freeze(copy);
}

export function equal(a: Value, b: Value): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (isArray(a) || isArray(b)) {
    return (
      isArray(a) && isArray(b) && a.length === b.length && a.every((each, n) => equal(each, b[n] as Value))
    );
  }
  return equalMaps(a, b);
}

function equalMaps(a: Fields, b: Fields): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && equal(a[name] as Value, b[name] as Value))
  );
}

/** By type, then by value. Only null, booleans, numbers and strings have an order that the port promises. */
export function compare(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return Number(a === true) - Number(b === true);
}

function rank(value: Value): number {
  if (value === null) return 0;
  return ['boolean', 'number', 'string', 'object'].indexOf(typeof value) + 1;
}

/** UTF-8 bytes order as code points do. UTF-16 differs in surrogates alone, which stand for the highest of all. */
function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let n = 0; n < length; n += 1) {
    const [x, y] = [a.charCodeAt(n), b.charCodeAt(n)];
    if (x !== y) return surrogatesLast(x) - surrogatesLast(y);
  }
  return a.length - b.length;
}

function surrogatesLast(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

// Array.isArray does not narrow a readonly array out of a union.
export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
