/**
 * The indexes that exist, from the format of `firestore.indexes.json`: composite ones, and the single-field ones
 * that Firestore makes by itself unless a field is overridden.
 */

import { DOCUMENT_NAME } from './field-paths.ts';

export type QueryScope = 'COLLECTION' | 'COLLECTION_GROUP';

/** With either an order or `arrayConfig`: `ASCENDING`, `DESCENDING`; `CONTAINS`. */
export interface IndexField {
  readonly fieldPath: string;
  readonly order?: string;
  readonly arrayConfig?: string;
}

export interface IndexConfiguration {
  readonly indexes: readonly {
    readonly collectionGroup: string;
    readonly queryScope: string;
    readonly fields: readonly IndexField[];
  }[];
  /** A field's own single-field indexes instead of the automatic ones; `*` is for all fields without any. */
  readonly fieldOverrides: readonly {
    readonly collectionGroup: string;
    readonly fieldPath: string;
    readonly indexes: readonly {
      readonly queryScope: string;
      readonly order?: string;
      readonly arrayConfig?: string;
    }[];
  }[];
}

export interface IndexDefinition {
  /** Without `__name__` at the end. */
  readonly fields: readonly IndexField[];
  /** `__name__` goes in the direction of the last field unless the index says otherwise. */
  readonly nameDescending: boolean;
}

type SingleFieldIndex = IndexConfiguration['fieldOverrides'][number]['indexes'][number];

const AUTOMATIC: readonly SingleFieldIndex[] = [
  { queryScope: 'COLLECTION', order: 'ASCENDING' },
  { queryScope: 'COLLECTION', order: 'DESCENDING' },
  { queryScope: 'COLLECTION', arrayConfig: 'CONTAINS' },
];

const ALL_FIELDS = '*';

/** Documents by their names: always there, in every scope. */
const BY_NAME: IndexDefinition = { fields: [], nameDescending: false };

export function createIndexCatalog({ indexes, fieldOverrides }: IndexConfiguration) {
  /** The override of the field, else of the map that it is in, else of all fields. */
  function singleFieldIndexes(collectionGroup: string, field: string): readonly SingleFieldIndex[] {
    for (const fieldPath of [...pathAndParents(field), ALL_FIELDS]) {
      const override = fieldOverrides.find(
        (candidate) => candidate.collectionGroup === collectionGroup && candidate.fieldPath === fieldPath,
      );
      if (override) return override.indexes;
    }
    return AUTOMATIC;
  }

  return {
    /** All indexes on a collection id that have one of these fields, or none but the name. */
    indexesFor(collectionGroup: string, scope: QueryScope, fields: ReadonlySet<string>): IndexDefinition[] {
      const composite = indexes
        .filter((index) => index.collectionGroup === collectionGroup && index.queryScope === scope)
        .map((index) => define(index.fields));
      const single = [...fields].flatMap((fieldPath) =>
        singleFieldIndexes(collectionGroup, fieldPath)
          .filter(({ queryScope }) => queryScope === scope)
          .map(({ queryScope: _scope, ...configuration }) => define([{ fieldPath, ...configuration }])),
      );
      return [BY_NAME, ...composite, ...single];
    },
  };
}

function define(fields: readonly IndexField[]): IndexDefinition {
  const last = fields.at(-1);
  return {
    fields: last?.fieldPath === DOCUMENT_NAME ? fields.slice(0, -1) : fields,
    nameDescending: last?.order === 'DESCENDING',
  };
}

/** `a.b.c`, `a.b`, `a`. */
function pathAndParents(field: string): string[] {
  const segments = field.split('.');
  return segments.map((_, index) => segments.slice(0, segments.length - index).join('.'));
}
