/** Instants as requests and answers write them. */
import { z } from 'zod';
import { LAST_INSTANT_MS } from '../constants.ts';

const OUTSIDE = { error: 'must be from 1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z' };

/** Milliseconds since the epoch of an instant of these schemas; one without an offset is UTC. */
export function epochMilliseconds(text: string): number {
  return Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
}

/** Records hold whole milliseconds from 0 on, and no text of RFC 3339 has a year of five digits. */
function isHoldable(text: string): boolean {
  const at = epochMilliseconds(text);
  return at >= 0 && at <= LAST_INSTANT_MS;
}

/** RFC 3339 with an offset, e.g. `2026-11-21T22:08:10+00:00`, from the first instant that a record can hold to the last. */
export const instant = z.iso.datetime({ offset: true }).refine(isHoldable, OUTSIDE);

/** As `instant`, or without an offset, as Python's `utcnow().isoformat()` writes UTC. */
export const instantOrUtc = z.iso.datetime({ offset: true, local: true }).refine(isHoldable, OUTSIDE);
