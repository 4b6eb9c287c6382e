/** Applying the writes of a commit: in order, and all of them or none. */

import { checkDocumentSize, storableFields } from './document-limits.ts';
import type { Documents, StoredDocument } from './documents.ts';
import { fieldAt, parseFieldPath, withField, withoutField } from './field-paths.ts';
import { identicalFields } from './identity.ts';
import { checkDatabase, parseDocumentName } from './names.ts';
import { checkPrecondition } from './preconditions.ts';
import { invalid } from './status.ts';
import { timestampOf } from './time.ts';
import { applyTransforms, type Transformed } from './transforms.ts';
import type { Fields, Write, WriteResult } from './wire.ts';

/** Documents as they would be after the writes so far; `undefined` for a deleted one. */
type Pending = Map<string, StoredDocument | undefined>;

/**
 * Stores nothing unless every write can be applied.
 *
 * @throws StatusError for the first write that cannot.
 */
export function applyWrites(
  documents: Documents,
  database: string,
  writes: readonly Write[],
  commitMicros: number,
): WriteResult[] {
  const pending: Pending = new Map();
  const results = writes.map((write) => {
    const name = targetOf(write);
    checkDatabase(database, parseDocumentName(name));
    const current = pending.has(name) ? pending.get(name) : documents.get(name);
    checkPrecondition(name, current, write.currentDocument);
    const { document, result } = applyWrite(name, current, write, commitMicros);
    pending.set(name, document);
    return result;
  });
  store(documents, pending);
  return results;
}

/** The name of the document that a write changes. */
export function targetOf(write: Write): string {
  const { update, transform } = write;
  const name = write.operation === 'delete' ? write.delete : (update?.name ?? transform?.document);
  if (name === undefined) throw invalid('A write has no operation.');
  return name;
}

function store(documents: Documents, pending: Pending): void {
  for (const [name, document] of pending) {
    if (document === undefined) documents.remove(name);
    else if (document !== documents.get(name)) documents.put(document);
  }
}

function applyWrite(name: string, current: StoredDocument | undefined, write: Write, commitMicros: number) {
  if (write.operation === 'delete') {
    return { document: undefined, result: { updateTime: null, transformResults: [] } };
  }
  const { fields, results } = computeFields(current, write, commitMicros);
  checkDocumentSize(name, fields);
  const document = nextVersion(name, current, fields, commitMicros);
  return {
    document,
    result: { updateTime: timestampOf(document.updateMicros), transformResults: results },
  };
}

/** A write that changes nothing keeps the document, and so its update time. */
function nextVersion(
  name: string,
  current: StoredDocument | undefined,
  fields: Fields,
  commitMicros: number,
): StoredDocument {
  if (current !== undefined && identicalFields(current.fields, fields)) return current;
  return { name, fields, createMicros: current?.createMicros ?? commitMicros, updateMicros: commitMicros };
}

function computeFields(current: StoredDocument | undefined, write: Write, commitMicros: number): Transformed {
  const before = current?.fields ?? {};
  if (write.operation === 'transform') {
    const transforms = write.transform?.fieldTransforms ?? [];
    if (transforms.length === 0) throw invalid('A transform has no field transforms.');
    return applyTransforms(before, transforms, commitMicros);
  }
  const given = storableFields(write.update?.fields ?? {});
  const updated = write.updateMask === null ? given : merge(before, given, write.updateMask.fieldPaths);
  return applyTransforms(updated, write.updateTransforms, commitMicros);
}

/** What the mask names is set, or removed where the write has no such field. */
function merge(before: Fields, given: Fields, mask: readonly string[]): Fields {
  return mask.reduce((fields, text) => {
    const path = parseFieldPath(text);
    const value = fieldAt(given, path);
    return value === undefined ? withoutField(fields, path) : withField(fields, path, value);
  }, before);
}
