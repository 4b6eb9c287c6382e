/** Paths, ids and field names: what Firestore takes as one. */

const MAX_SEGMENT_BYTES = 1500;
const MAX_PATH_BYTES = 6 * 1024;

/** Firestore's unquoted field path: names that need quoting can be stored but not asked for. */
const FIELD_PATH = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;
/** Names that Firestore keeps for itself; `__proto__` is one of them. */
const RESERVED = /^__.*__$/s;

export function fail(reason: string): never {
  throw new TypeError(`${reason}.`);
}

export function checkDocumentPath(path: string): void {
  if (segments(path).length % 2 !== 0) fail('a document path has an even number of segments');
}

export function checkCollectionPath(path: string): void {
  if (segments(path).length % 2 !== 1) fail('a collection path has an odd number of segments');
}

export function checkSegment(segment: unknown): void {
  if (typeof segment !== 'string' || segment === '') fail('a path segment is a non-empty string');
  if (segment === '.' || segment === '..') fail('a path segment is neither . nor ..');
  if (segment.includes('/')) fail('an id has no slash');
  checkName(segment, 'a path segment');
}

export function checkName(name: string, what: string): void {
  if (RESERVED.test(name)) fail(`${what} like __this__ is reserved`);
  if (!name.isWellFormed()) fail(`${what} has a lone surrogate`);
  if (Buffer.byteLength(name) > MAX_SEGMENT_BYTES) fail(`${what} takes at most ${MAX_SEGMENT_BYTES} bytes`);
}

export function checkFieldPath(field: string): void {
  if (typeof field !== 'string' || field.length > MAX_SEGMENT_BYTES || !FIELD_PATH.test(field)) {
    fail('a field is a name, or names joined by dots, of ASCII letters, digits and _');
  }
  if (field.split('.').some((name) => RESERVED.test(name))) fail('names like __this__ are reserved');
}

function segments(path: string): string[] {
  if (typeof path !== 'string') fail('a path is a string');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) fail(`a path takes at most ${MAX_PATH_BYTES} bytes`);
  const parts = path.split('/');
  for (const part of parts) checkSegment(part);
  return parts;
}
