/** Resource names: a path of the port beneath `projects/{project}/databases/{database}/documents`. */
import type { DocumentPath, QuerySource } from '../../../shared/ports/document-store.ts';
import { documentId } from '../../../shared/ports/document-store.ts';

export interface Names {
  readonly database: string;
  nameOf(path: DocumentPath): string;
  pathOf(name: string): DocumentPath;
  /** Where a query starts, and the collection id that it looks for there. */
  placeOf(source: QuerySource): { readonly parent: string; readonly collectionId: string };
}

export function createNames(project: string, databaseId: string): Names {
  const database = `projects/${project}/databases/${databaseId}`;
  const root = `${database}/documents`;
  return {
    database,
    nameOf: (path) => `${root}/${path}`,
    pathOf: (name) => name.slice(root.length + 1),
    placeOf(source) {
      if ('group' in source) return { parent: root, collectionId: source.group };
      const collectionId = documentId(source.collection);
      const owner = source.collection.slice(0, -collectionId.length - 1);
      return { parent: owner === '' ? root : `${root}/${owner}`, collectionId };
    },
  };
}
