/**
 * A store that fails when a test says so, call by call.
 *
 * ```ts
 * const faulty = openFaultyStore(service.ports.store);
 * faulty.strike((call) => (call === 3 ? 'interrupted_after' : undefined));
 * ```
 */
import { setTimeout as pause } from 'node:timers/promises';
import { CountersignError } from '../../shared/errors.ts';
import { CommitInterruptedError, type DocumentStore } from '../../shared/ports/document-store.ts';

/**
 * `unavailable`: nothing is done. `interrupted_…`: of a commit it is not told whether it happened, which it has not
 * (`before`) or has (`after`); a read is `unavailable`. `late`: done, and answered after a while.
 */
export type Trouble = 'unavailable' | 'interrupted_before' | 'interrupted_after' | 'late';

export type Strike = (call: number, method: keyof DocumentStore) => Trouble | undefined;

export interface FaultyStore extends DocumentStore {
  /** What becomes of calls from now on, the next of which is number 1. */
  strike(choose: Strike): void;
  /** Ends all trouble. */
  heal(): void;
  /** How many calls were struck since `strike`. */
  struck(): number;
}

const LATE_MS = 30;
const NO_TROUBLE: Strike = () => undefined;

export function openFaultyStore(store: DocumentStore): FaultyStore {
  let choose = NO_TROUBLE;
  let calls = 0;
  let struck = 0;

  async function perform<T>(method: keyof DocumentStore, work: () => Promise<T>): Promise<T> {
    calls += 1;
    const trouble = choose(calls, method);
    if (trouble === undefined) return work();
    struck += 1;
    if (trouble === 'unavailable' || (method !== 'commit' && trouble !== 'late'))
      throw new CountersignError('store_unavailable', 'The store does not answer.', { retryAfterSeconds: 5 });
    if (trouble === 'interrupted_before') throw new CommitInterruptedError();
    const done = await work();
    if (trouble === 'interrupted_after') throw new CommitInterruptedError();
    await pause(LATE_MS);
    return done;
  }

  const begin = (next: Strike) => {
    choose = next;
    calls = 0;
    struck = 0;
  };
  return {
    get: (paths) => perform('get', () => store.get(paths)),
    query: (query) => perform('query', () => store.query(query)),
    aggregate: (...asked) => perform('aggregate', () => store.aggregate(...asked)),
    commit: (writes) => perform('commit', () => store.commit(writes)),
    strike: begin,
    heal: () => {
      choose = NO_TROUBLE;
    },
    struck: () => struck,
  };
}
