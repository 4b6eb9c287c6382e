/** The server's time, in whole microseconds since the epoch, and its form on the wire. */

import type { Timestamp } from './wire.ts';

export interface ServerClock {
  /** The time of a commit: later than every time given out before, whatever the machine's clock does. */
  commitMicros(): number;
  /** The time of a read: not before any commit that it sees, and before every later one. */
  readMicros(): number;
}

export function createServerClock(nowMs: () => number): ServerClock {
  let lastMicros = 0;
  return {
    commitMicros: () => {
      lastMicros = Math.max(Math.floor(nowMs() * 1000), lastMicros + 1);
      return lastMicros;
    },
    readMicros: () => {
      lastMicros = Math.max(Math.floor(nowMs() * 1000), lastMicros);
      return lastMicros;
    },
  };
}

/** Microseconds of the years 1970 to 2255 fit a double exactly. */
export function timestampOf(micros: number): Timestamp {
  return { seconds: Math.floor(micros / 1e6), nanos: (micros % 1e6) * 1000 };
}

/** `undefined` for a time that is no whole microsecond. */
export function microsOf({ seconds, nanos }: Timestamp): number | undefined {
  return nanos % 1000 === 0 ? Number(seconds) * 1e6 + nanos / 1000 : undefined;
}
