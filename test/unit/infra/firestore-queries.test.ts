/** How a query is put to Firestore, where the test server would forgive another way. */
import { expect, test } from 'vitest';
import { createNames } from '../../../infra/stores/firestore/names.ts';
import { encodeQuery } from '../../../infra/stores/firestore/queries.ts';
import { checkQuery } from '../../../infra/stores/validate.ts';
import type { Query } from '../../../shared/ports/document-store.ts';

const names = createNames('acme', 'licences');
const encode = (query: Query) => encodeQuery(checkQuery(query), names);

test('null is compared by an operator of its own', () => {
  const { structuredQuery } = encode({ collection: 'a', where: [['seat', '==', null]] });
  expect(structuredQuery.where?.compositeFilter?.filters).toEqual([
    { unaryFilter: { field: { fieldPath: 'seat' }, op: 'IS_NULL' } },
  ]);
});

test('the order is always spelled out, down to the name', () => {
  const ascending = { field: { fieldPath: '__name__' }, direction: 'ASCENDING' };
  expect(encode({ collection: 'a' }).structuredQuery.orderBy).toEqual([ascending]);
  expect(encode({ collection: 'a', where: [['n', '>', 1]] }).structuredQuery.orderBy).toEqual([
    { field: { fieldPath: 'n' }, direction: 'ASCENDING' },
    ascending,
  ]);
});

test('a collection is asked for at the document that it belongs to, a group at the root', () => {
  const root = 'projects/acme/databases/licences/documents';
  const places = [{ collection: 'a' }, { collection: 'a/b/c' }, { group: 'c' }].map((query) => {
    const { parent, structuredQuery } = encode(query);
    return [parent, structuredQuery.from[0]];
  });
  expect(places).toEqual([
    [root, { collectionId: 'a', allDescendants: false }],
    [`${root}/a/b`, { collectionId: 'c', allDescendants: false }],
    [root, { collectionId: 'c', allDescendants: true }],
  ]);
});
