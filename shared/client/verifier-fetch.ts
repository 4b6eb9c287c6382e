/** Where a verifier gets the text of a manifest from, and for how long it waits. */

/** Rejects when there is no answer. It should give up when the signal says so; nobody waits for it from then on. */
export type FetchManifest = (signal: AbortSignal) => Promise<string>;

const MANIFEST_PATH = '/.well-known/license-keys';
/** Of more keys than anybody has. What a server sends is kept in memory until it is checked, unpacked. */
const MAX_MANIFEST_BYTES = 1_048_576;

/** @throws TypeError when `baseUrl` is no URL */
export function manifestOverHttp(baseUrl: string): FetchManifest {
  const url = new URL(MANIFEST_PATH, baseUrl);
  return async (signal) => {
    // A copy in the client's own cache would add its age to that of one in a shared cache.
    const response = await fetch(url, { signal, cache: 'no-cache', credentials: 'omit' });
    if (response.ok) return boundedText(response);
    await response.body?.cancel();
    throw new Error(`${url} answered with status ${response.status}`);
  };
}

async function boundedText({ body, url }: Response): Promise<string> {
  if (body === null) return '';
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.length;
    if (bytes > MAX_MANIFEST_BYTES) {
      await reader.cancel();
      throw new Error(`${url} sends more than a manifest has: over ${MAX_MANIFEST_BYTES} bytes`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
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
