/** Which address a request came from. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * The address that the outermost trusted proxy saw. Each proxy appends what it saw to `X-Forwarded-For`, so the last
 * `trustedProxies` entries are theirs and whatever is before them is what the client wrote: with 0 the header counts for
 * nothing.
 *
 * @returns null when there is none, as behind fewer proxies than are trusted.
 */
export function sourceOf({ headers, socket }: IncomingMessage, trustedProxies: number): string | null {
  if (trustedProxies === 0) return socket.remoteAddress ?? null;
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  const address = forwarded.at(-trustedProxies)?.trim() ?? '';
  return isIP(address) === 0 ? null : address;
}
