/**
 * What every document store gives, whatever is behind it. An adapter's test calls this and adds only what is
 * particular to it. Nothing here may ask for more than Firestore gives: versions are opaque, a conflict may
 * not know its path, and a group query orders ties as the store likes.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { aggregateContract } from './document-store/aggregate.ts';
import { badInputContract } from './document-store/bad-input.ts';
import { commitContract } from './document-store/commit.ts';
import { fixtureOf, freshPath } from './document-store/fixture.ts';
import { getContract } from './document-store/get.ts';
import { groupContract } from './document-store/group.ts';
import { orderContract } from './document-store/order.ts';
import { queryContract } from './document-store/query.ts';
import { valuesContract } from './document-store/values.ts';
import { writeContract } from './document-store/write.ts';

export interface OpenStore {
  readonly store: DocumentStore;
  close(): Promise<void>;
  /** Closes the store and opens it again on the same data. */
  reopen?(): Promise<DocumentStore>;
}

export function documentStoreContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`document store contract: ${name}`, () => {
    let opened: OpenStore;

    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());

    const fixture = fixtureOf(() => opened.store);
    getContract(fixture);
    writeContract(fixture);
    commitContract(fixture);
    valuesContract(fixture);
    queryContract(fixture);
    orderContract(fixture);
    groupContract(fixture);
    aggregateContract(fixture);
    badInputContract(fixture);

    it('keeps everything when it is opened again', async ({ skip }) => {
      const own = await open();
      try {
        if (own.reopen === undefined) return skip();
        const path = freshPath();
        await own.store.commit([{ op: 'set', path, fields: { a: 1 } }]);
        const before = await own.store.get([path]);
        const reopened = await own.reopen();
        expect(await reopened.get([path])).toEqual(before);
        await reopened.commit([
          { op: 'set', path, fields: { a: 2 }, demand: { version: before[0]?.version ?? '' } },
        ]);
        expect((await reopened.get([path]))[0]?.version).not.toBe(before[0]?.version);
      } finally {
        await own.close();
      }
    });
  });
}
