/** However many operators write at once, and whichever commits are not confirmed: one event an act, one whole chain. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommitInterruptedError, type DocumentStore } from '../../shared/ports/document-store.ts';
import { auditRecord } from '../../shared/records/audit.ts';
import { administer } from '../../shared/usecases/administer.ts';
import { verifyAudit } from '../../shared/usecases/verify-audit.ts';
import { count, OPERATOR, portsOn } from '../support/audit-trail.ts';
import { openTestStore, type TestStore } from '../support/test-store.ts';

const REQUEST = { caller: OPERATOR, operation: 'things.do', idempotencyKey: undefined, body: {} };

type Outcome = 'confirmed' | 'happened' | 'lost';

/** Commits end as told, in turn; when nothing is told any more they are confirmed. */
function unreliable(store: DocumentStore, outcomes: readonly Outcome[]): DocumentStore {
  const waiting = [...outcomes];
  return {
    ...store,
    async commit(writes) {
      const outcome = waiting.shift() ?? 'confirmed';
      const versions = outcome === 'lost' ? [] : await store.commit(writes);
      if (outcome !== 'confirmed') throw new CommitInterruptedError();
      return versions;
    },
  };
}

/** Of one writer: at most two in a row are not confirmed, which is fewer than make it give up. */
const outcomes = fc.array(fc.constantFrom<Outcome>('confirmed', 'happened', 'lost'), { maxLength: 2 });
const writer = fc.record({ acts: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 4 }), outcomes });

describe.each(['sqlite', 'firestore'] as const)('on %s', (kind) => {
  let testStore: TestStore;

  beforeAll(async () => {
    testStore = await openTestStore(kind);
  });
  afterAll(() => testStore.close());

  test('every act has one event, and the events tell what the counters say', {
    timeout: 240_000,
  }, async () => {
    const { store } = testStore;
    let done = 0;
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(writer, { minLength: 2, maxLength: 5 }), async (writers) => {
        runs += 1;
        const nameOf = (counter: number) => `${runs}-${counter}`;
        await Promise.all(
          writers.map(async ({ acts, outcomes: told }) => {
            const own = unreliable(store, told);
            for (const counter of acts) await count(own, nameOf(counter));
          }),
        );
        const acts = writers.flatMap((each) => each.acts);
        done += acts.length;
        expect(await verifyAudit(store)).toMatchObject({ events: done, broken: undefined });
        for (const counter of [0, 1, 2]) {
          const expected = acts.filter((each) => each === counter).length;
          const events = await store.query({
            collection: 'audit',
            where: [['target', '==', nameOf(counter)]],
          });
          expect(events.map(({ fields }) => auditRecord.parse(fields).after)).toEqual(
            Array.from({ length: expected }, (_, n) => n + 1),
          );
        }
      }),
      { numRuns: 25 },
    );
  });
});

test('writes of one process wait for each other instead of racing: one commit each', async () => {
  const testStore = await openTestStore('firestore');
  try {
    testStore.firestore?.resetStats();
    await Promise.all(Array.from({ length: 20 }, (_, n) => count(testStore.store, `counter-${n % 3}`)));
    expect(testStore.firestore?.stats().rpcs.Commit).toBe(20);
  } finally {
    await testStore.close();
  }
});

test('a write that fails lets the next one have its turn', async () => {
  const testStore = await openTestStore('sqlite');
  try {
    const { store } = testStore;
    const refused = administer(portsOn(store), REQUEST, async () => {
      throw new Error('refused');
    });
    await expect(Promise.all([refused, count(store, 'x')])).rejects.toThrow('refused');
    expect((await count(store, 'x')).answer).toEqual({ value: 2 });
  } finally {
    await testStore.close();
  }
});

test('a write that hangs keeps the others waiting for a while, and no longer', async () => {
  const testStore = await openTestStore('sqlite');
  const release = Promise.withResolvers<void>();
  try {
    const { store } = testStore;
    const act = { action: 'things.look', target: 'x', before: null, after: null };
    const hanging = administer(portsOn(store), REQUEST, async () => {
      await release.promise;
      return { answer: {}, writes: [], act };
    });
    expect((await count(store, 'x')).answer).toEqual({ value: 1 });
    release.resolve();
    expect((await hanging).replayed).toBe(false);
  } finally {
    release.resolve();
    await testStore.close();
  }
}, 30_000);
