/** Which address a request came from. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * The address of the client as the trusted proxies tell it in `X-Forwarded-For`. A proxy appends one entry, what it saw, or more: an
 * external Application Load Balancer of Google's appends the client's address and its own. The last `trustedProxies` entries
 * are theirs, the first of those is the client, and whatever is before them is what the client wrote: with 0 the header
 * counts for nothing.
 *
 * @returns null when there is none, as where fewer entries came than are trusted.
 */
export function sourceOf({ headers, socket }: IncomingMessage, trustedProxies: number): string | null {
  if (trustedProxies === 0) return socket.remoteAddress ?? null;
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  const address = withoutPort(forwarded.at(-trustedProxies)?.trim() ?? '');
  return isIP(address) === 0 ? null : address;
}

/** Some proxies, Azure's say, write `192.0.2.7:443` and `[2001:db8::7]:443`. An IPv6 address without brackets has no port. */
function withoutPort(entry: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(entry) ?? [];
  return bracketed ?? plain ?? entry;
}
