import type { Fields, Value } from '../../../shared/ports/document-store.ts';

/**
 * The one JSON text of a value, keys sorted: equal values have equal texts, which is how SQL compares maps,
 * arrays and numbers exactly, and how a write that changes nothing is recognized. -0 becomes 0.
 */
export function encode(value: Value): string {
  return JSON.stringify(sortKeys(value));
}

export function decode(text: string): Fields {
  return JSON.parse(text) as Fields;
}

function sortKeys(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (isArray(value)) return value.map(sortKeys);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sortKeys(member)]));
}

// Array.isArray does not narrow a readonly array out of a union.
function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
