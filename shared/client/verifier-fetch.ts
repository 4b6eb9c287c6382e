/** Where a verifier gets the text of a manifest from, and for how long it waits. */

/** Rejects when there is no answer. It should give up when the signal says so; nobody waits for it from then on. */
export type FetchManifest = (signal: AbortSignal) => Promise<string>;

const MANIFEST_PATH = '/.well-known/license-keys';

/** @throws TypeError when `baseUrl` is no URL */
export function manifestOverHttp(baseUrl: string): FetchManifest {
  const url = new URL(MANIFEST_PATH, baseUrl);
  return async (signal) => {
    // A copy in the client's own cache would add its age to that of one in a shared cache.
    const response = await fetch(url, { signal, cache: 'no-cache', credentials: 'omit' });
    if (response.ok) return response.text();
    await response.body?.cancel();
    throw new Error(`${url} answered with status ${response.status}`);
  };
}

/** @throws Error when `timeoutMs` pass first, also where `fetchManifest` does not heed its signal */
export async function fetchWithin(timeoutMs: number, fetchManifest: FetchManifest): Promise<string> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no manifest arrived within ${timeoutMs} ms`);
      reject(error);
      controller.abort(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([fetchManifest(controller.signal), limit]);
  } finally {
    clearTimeout(timer);
  }
}
