/**
 * What stands between a client and a service, and loses every answer: all requests are carried out, and nobody hears of it.
 *
 * ```ts
 * const between = await loseAnswers(service.baseUrl);
 * await expect(createClient({ baseUrl: between.url }).jwks()).rejects.toThrow();
 * await between.stop();
 * ```
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Those that `fetch` makes itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
]);

export async function loseAnswers(
  baseUrl: string,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const server = createServer(async (request, response) => {
    const headers = Object.entries(request.headers).filter(([name]) => !OWN_HEADERS.has(name));
    const body = Buffer.concat(await Array.fromAsync(request));
    const answer = await fetch(new URL(request.url ?? '', baseUrl), {
      method: request.method ?? 'GET',
      headers: Object.fromEntries(headers) as Record<string, string>,
      ...(body.length > 0 && { body }),
    });
    await answer.text();
    response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
