/**
 * What every adapter refuses, with a `TypeError`, before it touches its store: all of it is a programmer's
 * error. The limits are Firestore's, so that what one adapter takes the others take too.
 *
 * https://firebase.google.com/docs/firestore/quotas and, for sizes, /docs/firestore/storage-size
 */

import type { Write } from '../../shared/ports/document-store.ts';
import { checkDocumentPath, fail } from './validate/names.ts';
import { checkDocumentSize, checkMap, nameBytes } from './validate/values.ts';

export { checkDocumentPath } from './validate/names.ts';
export {
  type CheckedQuery,
  type Condition,
  checkAggregates,
  checkQuery,
  isInequality,
  type OrderEntry,
} from './validate/query.ts';
export { checkDocumentSize, DOCUMENT_TOO_LARGE } from './validate/values.ts';

const MAX_WRITES = 500;
const MAX_COMMIT_BYTES = 10 * 1024 * 1024;

export function checkWrites(writes: readonly Write[]): void {
  if (!Array.isArray(writes)) fail('a commit takes an array of writes');
  if (writes.length > MAX_WRITES) fail(`a commit takes at most ${MAX_WRITES} writes`);
  const paths = new Set<string>();
  let bytes = 0;
  for (const write of writes) {
    bytes += checkWrite(write);
    // Firestore would apply both in turn; no caller here means that, so it is taken for a mistake.
    if (paths.has(write.path)) fail('a commit writes each document at most once');
    paths.add(write.path);
  }
  if (bytes > MAX_COMMIT_BYTES) fail(`a commit takes at most ${MAX_COMMIT_BYTES} bytes`);
}

function checkWrite(write: Write): number {
  checkDocumentPath(write.path);
  checkDemand(write);
  switch (write.op) {
    case 'delete':
      return nameBytes(write.path);
    case 'update':
      if (checkMap(write.fields, 'the fields').length === 0) fail('an update names at least one field');
      return checkDocumentSize(write.path, write.fields);
    case 'set':
      return checkDocumentSize(write.path, write.fields);
    default:
      return fail('a write is a set, an update or a delete');
  }
}

function checkDemand({ op, demand }: Write): void {
  if (demand === undefined || demand === 'present') return;
  if (demand === 'absent') {
    if (op !== 'set') fail(`${op} cannot demand that the document is absent`);
    return;
  }
  if (typeof demand !== 'object' || typeof demand?.version !== 'string') {
    fail("a demand is 'absent', 'present' or a version");
  }
}
