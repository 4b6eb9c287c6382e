/**
 * Fields that a query orders or filters by often enough to deserve an index.
 *
 * Firestore indexes every field by itself; SQLite would read and sort the whole collection. Each row names
 * the question that it answers. A new row takes effect when the store is next opened.
 */
export const INDEXED_FIELDS: readonly string[] = [
  // A full licence looks for its first expired session: `licenses/{L}/sessions` by lease_expires_at, limit 1.
  'lease_expires_at',
];
