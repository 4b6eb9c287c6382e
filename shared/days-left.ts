import { DAY_MS } from './decide/issue.ts';

/**
 * How many days are left until an end: begun ones, so that a licence has a day left until its last millisecond; 0 from its end
 * on. `end` and `now` are in milliseconds since the epoch.
 */
export function daysLeft(end: number, now: number): number {
  return Math.max(0, Math.ceil((end - now) / DAY_MS));
}
