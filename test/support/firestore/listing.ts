/** Listing what is below a document, for clean-up and for `listDocuments()` and `listCollections()`. */

import type { Database } from './database.ts';
import { checkId, parseParent } from './names.ts';
import { documentMessage } from './reads.ts';
import { createSort, firstPosition } from './sort.ts';
import type { Bill } from './stats.ts';
import { StatusError } from './status.ts';
import { compareNames, compareText } from './values.ts';
import type { Consistency, DocumentMessage, Mask } from './wire.ts';

const DEFAULT_PAGE_SIZE = 100;
const BY_NAME = createSort([{ fieldPath: '__name__', descending: false }]);

interface ListDocumentsRequest extends Consistency {
  readonly parent: string;
  readonly collectionId: string;
  readonly pageSize: number;
  /** The last name of the page before. */
  readonly pageToken: string;
  readonly orderBy: string;
  readonly mask: Mask | null;
  readonly showMissing: boolean;
}

export function createListing(database: Database, bill: Bill) {
  const { documents } = database;

  /** Names of what is below `path`, which ends with a slash, up to the next slash. */
  function childrenOf(root: string, path: string): string[] {
    const children = new Set<string>();
    for (const { name } of documents.database(root).sorted(BY_NAME)) {
      if (name.startsWith(path)) children.add(name.slice(path.length).split('/', 1).join());
    }
    return [...children];
  }

  function listCollectionIds({ parent }: { readonly parent: string }): object {
    const { root } = parseParent(parent);
    bill.read(1);
    return { collectionIds: childrenOf(root, `${parent}/`).sort(compareText), nextPageToken: '' };
  }

  /** Missing documents are those that do not exist and have documents below them. */
  function listDocuments(request: ListDocumentsRequest): object {
    if (request.orderBy !== '') throw new StatusError('UNIMPLEMENTED', 'Lists are in the order of names.');
    const { root } = parseParent(request.parent);
    checkId(request.collectionId);
    database.startRead(request);
    const collection = `${request.parent}/${request.collectionId}`;
    const names = request.showMissing
      ? childrenOf(root, `${collection}/`).map((id) => `${collection}/${id}`)
      : documents
          .collection(collection)
          .sorted(BY_NAME)
          .map(({ name }) => name);
    const first = firstPosition(
      names.sort(compareNames),
      (name) => compareNames(name, request.pageToken) > 0,
    );
    const page = names.slice(first, first + (request.pageSize || DEFAULT_PAGE_SIZE));
    bill.read(Math.max(1, page.length));
    return {
      documents: page.map((name) => messageFor(name, request.mask)),
      nextPageToken: first + page.length < names.length ? page.at(-1) : '',
    };
  }

  function messageFor(name: string, mask: Mask | null): DocumentMessage {
    const document = documents.get(name);
    return document === undefined ? { name, fields: {} } : documentMessage(document, mask?.fieldPaths);
  }

  return { listCollectionIds, listDocuments };
}
