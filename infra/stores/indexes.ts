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

export const GROUP_INDEXES: readonly GroupIndex[] = declared.indexes
  .filter(({ queryScope }) => queryScope === 'COLLECTION_GROUP')
  .map(({ collectionGroup, fields }) => {
    const paths = fields.map(({ fieldPath }) => fieldPath);
    return { collectionGroup, equal: paths.slice(0, -1), ordered: paths.at(-1) ?? '' };
  });

/**
 * What composite indexes of one collection order by, each once. SQLite walks its order and looks at the other fields on
 * the way, as many filters as a query may have.
 */
export const ORDERS: readonly FieldIndex[] = [
  ...new Map(
    declared.indexes
      .filter(({ queryScope }) => queryScope === 'COLLECTION')
      .map(({ collectionGroup, fields }) => ({ collectionGroup, field: fields.at(-1)?.fieldPath ?? '' }))
      .map((order) => [`${order.collectionGroup}.${order.field}`, order]),
  ).values(),
];
