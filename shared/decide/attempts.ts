/** How many wrong keys and tokens an instance answers as such before it asks whoever sends them to wait. */
import { ATTEMPT_WINDOW_SECONDS } from '../constants.ts';

/** Failures since the first one of a window. */
export interface Failures {
  readonly count: number;
  readonly since: number;
}

/** What is counted together, and how much of it is let through. */
export interface Watched {
  readonly failures: Failures | undefined;
  readonly limit: number;
}

/** Whole seconds until another attempt is looked at; undefined when this one is. An attempt that is not looked at prolongs nothing. */
export function secondsToWait(watched: readonly Watched[], now: number): number | undefined {
  const waits = watched.map(({ failures, limit }) =>
    failures === undefined || failures.count < limit ? 0 : windowEnd(failures) - now,
  );
  const longest = Math.max(0, ...waits);
  return longest === 0 ? undefined : Math.ceil(longest / 1000);
}

export function afterFailure(failures: Failures | undefined, now: number): Failures {
  return failures === undefined || now >= windowEnd(failures)
    ? { count: 1, since: now }
    : { ...failures, count: failures.count + 1 };
}

function windowEnd({ since }: Failures): number {
  return since + ATTEMPT_WINDOW_SECONDS * 1000;
}

/**
 * The network that an address counts for: /24 of IPv4, /48 of IPv6, which is what one subscriber gets. An IPv4 address that is
 * written as IPv6 (RFC 4291 §2.5.5.2) is IPv4. Addresses that are not known count together.
 */
export function networkOf(address: string | null): string {
  if (address === null) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  return plain.includes(':') ? ipv6Network(plain) : `${plain.split('.').slice(0, 3).join('.')}.0/24`;
}

function ipv6Network(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('%', 1).join('').split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const groups = [...before, ...(tail === undefined ? [] : zeros), ...after];
  const first = groups.slice(0, 3).map((group) => Number.parseInt(group, 16).toString(16));
  return `${first.join(':')}::/48`;
}

/** A dotted quad at the end stands for two groups. */
function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
