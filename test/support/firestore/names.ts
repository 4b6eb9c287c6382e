/**
 * Resource names: `projects/{project}/databases/{database}/documents/{collection}/{id}/...`, and the rules for
 * what collections and documents may be called (https://cloud.google.com/firestore/quotas#limits).
 */

import { invalid } from './status.ts';

const ROOT_SEGMENTS = 5;
const RESERVED = /^__.*__$/s;
const MAX_ID_BYTES = 1_500;
const MAX_NAME_BYTES = 6 * 1024;
const MAX_COLLECTION_DEPTH = 100;

export interface ParsedName {
  /** `projects/{project}/databases/{database}/documents` */
  readonly root: string;
  /** What follows it: collection, id, collection, id, ... */
  readonly segments: readonly string[];
}

/** @throws StatusError INVALID_ARGUMENT unless `name` is that of a document. */
export function parseDocumentName(name: string): ParsedName {
  const parsed = parseResourceName(name);
  const { segments } = parsed;
  if (segments.length === 0 || segments.length % 2 !== 0) {
    throw invalid(`Document name "${name}" has an odd number of segments after "documents", or none.`);
  }
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw invalid('A document name has more than 6 KiB.');
  if (segments.length / 2 > MAX_COLLECTION_DEPTH) {
    throw invalid(`Document name "${name}" is in more than ${MAX_COLLECTION_DEPTH} nested collections.`);
  }
  for (const segment of segments) checkId(segment);
  return parsed;
}

/** The name of a document, or of the root of all documents. */
export function parseParent(parent: string): ParsedName {
  const parsed = parseResourceName(parent);
  return parsed.segments.length === 0 ? parsed : parseDocumentName(parent);
}

function parseResourceName(name: string): ParsedName {
  const all = name.split('/');
  const [projects, project, databases, database, documents] = all;
  const complete = projects === 'projects' && databases === 'databases' && documents === 'documents';
  if (!complete || !project || !database) {
    throw invalid(`Resource name "${name}" does not begin with projects/*/databases/*/documents.`);
  }
  return { root: all.slice(0, ROOT_SEGMENTS).join('/'), segments: all.slice(ROOT_SEGMENTS) };
}

/** The rules for a collection id and for a document id are the same. */
export function checkId(id: string): void {
  if (id === '') throw invalid('A collection id or document id is empty.');
  if (id === '.' || id === '..') throw invalid(`"${id}" cannot be a collection id or a document id.`);
  if (RESERVED.test(id)) throw invalid(`Resource id "${id}" is invalid because it is reserved.`);
  if (Buffer.byteLength(id) > MAX_ID_BYTES) throw invalid('A resource id has more than 1500 bytes.');
}

export function isReserved(fieldName: string): boolean {
  return RESERVED.test(fieldName);
}

/** Every name in a request lies in the request's database: `projects/{project}/databases/{database}`. */
export function checkDatabase(database: string, { root }: ParsedName): void {
  if (root !== `${database}/documents`) {
    throw invalid(`The request is for ${database}, and names a document of ${root}.`);
  }
}
