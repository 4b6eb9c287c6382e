/** A version is the time of the document's last change, to the last digit, so that it can be demanded again. */
import type { WireTimestamp } from './wire.ts';

const VERSION = /^(\d{1,12})\.(\d{9})$/;

export function versionOf({ seconds, nanos }: WireTimestamp): string {
  return `${seconds}.${String(nanos).padStart(9, '0')}`;
}

/** Undefined for what no document here ever had for a version. */
export function timestampOf(version: string): WireTimestamp | undefined {
  const [, seconds, nanos] = VERSION.exec(version) ?? [];
  return seconds === undefined ? undefined : { seconds, nanos: Number(nanos) };
}
