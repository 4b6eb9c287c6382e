/**
 * A cache on the way to a service, as of a CDN: it keeps an answer for as long as `Cache-Control` says, whatever its clients
 * ask for, and says the answer's `Age`.
 *
 *   const cache = await startSharedCache(['http://127.0.0.1:8080']);
 *   await fetch(new URL('/.well-known/jwks.json', cache.baseUrl));
 *   await cache.stop();
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SharedCache {
  readonly baseUrl: string;
  stop(): Promise<void>;
}

interface Kept {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  readonly askedAt: number;
  readonly lifetimeMs: number;
}

/** @param origins asked in turn */
export async function startSharedCache(origins: readonly string[]): Promise<SharedCache> {
  const kept = new Map<string, Promise<Kept>>();
  let asked = 0;

  async function answerTo(path: string): Promise<Kept> {
    const known = kept.get(path);
    if (known !== undefined && isFresh(await known)) return known;
    // Another request may have asked meanwhile.
    const present = kept.get(path);
    if (present !== undefined && present !== known) return present;
    const answer = ask(new URL(path, origins[asked++ % origins.length]));
    kept.set(path, answer);
    answer.catch(() => kept.delete(path));
    return answer;
  }

  const server = createServer((request, response) => {
    answerTo(request.url ?? '/').then(
      (answer) => send(response, answer),
      (error: Error) => response.writeHead(502).end(error.message),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const isFresh = ({ askedAt, lifetimeMs }: Kept) => performance.now() < askedAt + lifetimeMs;

async function ask(url: URL): Promise<Kept> {
  const askedAt = performance.now();
  const response = await fetch(url);
  const control = response.headers.get('cache-control') ?? '';
  const [, seconds = '0'] = /max-age=(\d+)/.exec(control) ?? [];
  return {
    status: response.status,
    headers: { 'cache-control': control, 'content-type': response.headers.get('content-type') ?? '' },
    body: Buffer.from(await response.arrayBuffer()),
    askedAt,
    lifetimeMs: Number(seconds) * 1000,
  };
}

/** RFC 9111 §5.1: `Age` is in whole seconds. */
function send(response: ServerResponse, { status, headers, body, askedAt }: Kept): void {
  const age = String(Math.floor((performance.now() - askedAt) / 1000));
  response.writeHead(status, { ...headers, age }).end(body);
}
