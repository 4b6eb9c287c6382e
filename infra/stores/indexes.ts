/**
 * The indexes that queries need, read from `indexes.json`: the one list that Terraform, the test server and this
 * code share. Firestore gets them from Terraform; SQLite makes its own (`sqlite/create-indexes.ts`) when it is next opened.
 */
import declared from './indexes.json' with { type: 'json' };

/** Orders the documents of one collection by one field. */
export interface FieldIndex {
  readonly collectionGroup: string;
  readonly field: string;
}

/** Finds documents by the first fields, each equal to a value, and orders them by the last one. */
export interface GroupIndex {
  readonly collectionGroup: string;
  readonly equal: readonly string[];
  readonly ordered: string;
}

export const FIELD_INDEXES: readonly FieldIndex[] = declared.fieldOverrides
  .filter(({ indexes }) => indexes.length > 0)
  .map(({ collectionGroup, fieldPath }) => ({ collectionGroup, field: fieldPath }));

export const GROUP_INDEXES: readonly GroupIndex[] = compositeIndexes('COLLECTION_GROUP');

/** The same within one collection, each once, whatever its directions. */
export const COLLECTION_INDEXES: readonly GroupIndex[] = [
  ...new Map(compositeIndexes('COLLECTION').map((index) => [JSON.stringify(index), index] as const)).values(),
];

/** What those order by, each once. */
export const ORDERS: readonly FieldIndex[] = [
  ...new Map(
    COLLECTION_INDEXES.map(({ collectionGroup, ordered: field }) => ({ collectionGroup, field })).map(
      (order) => [`${order.collectionGroup}.${order.field}`, order] as const,
    ),
  ).values(),
];

function compositeIndexes(scope: string): GroupIndex[] {
  return declared.indexes
    .filter(({ queryScope }) => queryScope === scope)
    .map(({ collectionGroup, fields }) => {
      const paths = fields.map(({ fieldPath }) => fieldPath);
      return { collectionGroup, equal: paths.slice(0, -1), ordered: paths.at(-1) ?? '' };
    });
}
