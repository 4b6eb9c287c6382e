/**
 * Calls that are safe to repeat, repeated: a service that answers 503, or does not answer, is asked again a bounded number
 * of times. Whoever calls with a write gives it an `Idempotency-Key`, so that a repeated one is carried out once.
 */

export interface RetryOptions {
  /** Milliseconds until one attempt is given up. */
  readonly timeoutMs: number;
  /** How often a call is made at most. */
  readonly attempts: number;
  /** Waits so many milliseconds. */
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

/** No attempt brought an answer. A write may have been carried out all the same. */
export class UnreachableError extends Error {
  constructor(url: URL, cause: unknown) {
    super(`No answer from ${url.origin}.`, { cause });
    this.name = 'UnreachableError';
  }
}

/** For longer than this a person should decide, and not a loop. */
export const LONGEST_PAUSE_MS = 10_000;
const FIRST_PAUSE_MS = 500;

/** @throws UnreachableError */
export async function retryingFetch(
  url: URL,
  init: RequestInit,
  { timeoutMs, attempts, pause }: RetryOptions,
): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await tryOnce(url, init, timeoutMs);
    const wait = attempt < attempts ? pauseBefore(outcome, attempt) : undefined;
    if (wait !== undefined) {
      if (outcome instanceof Response) await outcome.body?.cancel();
      await pause(wait);
    } else if (outcome instanceof Response) return outcome;
    else throw new UnreachableError(url, outcome);
  }
}

/** The answer with its whole body, or why there is none: a connection that breaks half-way is no answer. */
async function tryOnce(url: URL, init: RequestInit, timeoutMs: number): Promise<Response | Error> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
    const body = await response.arrayBuffer();
    return new Response(NO_BODY.has(response.status) ? null : body, response);
  } catch (error) {
    if (error instanceof TypeError || error instanceof DOMException) return error;
    throw error;
  }
}

/** Statuses that have none (Fetch §2.2.3). */
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** Milliseconds to wait before the next attempt; undefined when another would be told the same. */
export function pauseBefore(outcome: Response | Error, attempt: number): number | undefined {
  if (outcome instanceof Error) return FIRST_PAUSE_MS * 2 ** (attempt - 1);
  if (outcome.status !== 503) return undefined;
  const wanted = Number(outcome.headers.get('retry-after') ?? Number.NaN) * 1000;
  if (!Number.isFinite(wanted) || wanted < 0) return FIRST_PAUSE_MS * 2 ** (attempt - 1);
  return wanted <= LONGEST_PAUSE_MS ? wanted : undefined;
}
