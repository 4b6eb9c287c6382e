/** When a licence that was issued as text stops holding. */
import { LAST_INSTANT_MS } from '../constants.ts';
import type { LicenseOnRecord } from './validate-on-record.ts';

interface Ending {
  /** What the text says; null for never. */
  readonly expiresAt: number | null;
}

/**
 * What the text and the record say, whichever is first: a text outlives a licence that was given a sooner end. In milliseconds
 * since the epoch; null for never. The record of another customer's licence counts for nothing.
 */
export function endsHere({ expiresAt }: Ending, onRecord: LicenseOnRecord | undefined): number | null {
  const isTheirs = onRecord !== undefined && !onRecord.isTransferred;
  return firstOf(expiresAt, isTheirs ? onRecord.record.expires_at : null);
}

/** Null for never. With an offset a text can name an instant that no record holds, and no answer. */
export function firstOf(one: number | null, other: number | null): number | null {
  const end = Math.min(one ?? Number.POSITIVE_INFINITY, other ?? Number.POSITIVE_INFINITY);
  return end === Number.POSITIVE_INFINITY ? null : Math.min(end, LAST_INSTANT_MS);
}
