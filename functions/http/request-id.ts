/** Every answer and every log line of a request carry the same id. */
import { randomUUID } from 'node:crypto';
import { prefixOf } from '../../shared/access/api-key.ts';
import { isGeneratedKey } from '../../shared/license-key.ts';

export const REQUEST_ID_HEADER = 'x-request-id';

const ACCEPTED = /^[A-Za-z0-9._-]{1,64}$/;

/** The caller's id when it is harmless to print, a new one otherwise: also for a key, which was meant for another header. */
export function requestIdOf(header: string | string[] | undefined): string {
  const isHarmless = typeof header === 'string' && ACCEPTED.test(header) && !isKey(header);
  return isHarmless ? header : randomUUID();
}

function isKey(text: string): boolean {
  return prefixOf(text) !== undefined || isGeneratedKey(text);
}
