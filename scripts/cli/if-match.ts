/** Changes of an object that must still be what the operator saw. */
import type { Command } from 'commander';
import type { WriteOptions } from '../../shared/client/admin-client.ts';

export interface IfMatchOptions {
  readonly ifMatch?: string;
}

export const ifMatch = (command: Command): Command =>
  command.option('--if-match <etag>', 'only if it still is what show answered with this etag');

/** HTTP wants the tag quoted (RFC 9110 §8.8.3), and a shell takes the quotes away. */
export function matching({ ifMatch: tag }: IfMatchOptions): WriteOptions {
  if (tag === undefined) return {};
  return { ifMatch: /^[0-9a-f]+$/.test(tag) ? `"${tag}"` : tag };
}
