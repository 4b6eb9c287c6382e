type Results<T extends readonly unknown[]> = { -readonly [K in keyof T]: Awaited<T[K]> };

/**
 * Waits until all of the work has ended, then answers its results or throws the first error in the order given.
 * Unlike `Promise.all`, nothing of an attempt is still under way when the next one begins.
 */
export async function together<const T extends readonly unknown[]>(work: T): Promise<Results<T>> {
  const outcomes = await Promise.allSettled(work);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as Results<T>;
}
