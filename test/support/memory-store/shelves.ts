/** Documents by path, by collection and by group, so that a query looks at no others. */
import { documentId, type QuerySource, type Snapshot } from '../../../shared/ports/document-store.ts';

type Shelf = Map<string, Snapshot>;

export interface Shelves {
  get(path: string): Snapshot | undefined;
  documentsOf(source: QuerySource): Snapshot[];
  /** Stores the document, or removes it. */
  put(path: string, document: Snapshot | undefined): void;
}

export function createShelves(): Shelves {
  const all: Shelf = new Map();
  const collections = new Map<string, Shelf>();
  const groups = new Map<string, Shelf>();

  function shelvesOf(path: string): [Map<string, Shelf>, string][] {
    const collection = path.slice(0, -documentId(path).length - 1);
    return [
      [collections, collection],
      [groups, documentId(collection)],
    ];
  }

  return {
    get: (path) => all.get(path),
    documentsOf(source) {
      const shelf = 'group' in source ? groups.get(source.group) : collections.get(source.collection);
      return shelf === undefined ? [] : [...shelf.values()];
    },
    put(path, document) {
      // As it is: a write that changed nothing, or the removal of nothing.
      if (all.get(path) === document) return;
      place(all, path, document);
      for (const [room, name] of shelvesOf(path)) placeIn(room, name, path, document);
    },
  };
}

/** An empty shelf is taken away: a simulation meets many collections. */
function placeIn(room: Map<string, Shelf>, name: string, path: string, document: Snapshot | undefined): void {
  const shelf = room.get(name) ?? new Map<string, Snapshot>();
  place(shelf, path, document);
  if (shelf.size === 0) room.delete(name);
  else room.set(name, shelf);
}

function place(shelf: Shelf, path: string, document: Snapshot | undefined): void {
  if (document === undefined) shelf.delete(path);
  else shelf.set(path, document);
}
