/**
 * What happened, in words: hashed, so that two runs can be compared, and the last of it kept, so that a violation can
 * show how it came about.
 */
import { hexHash } from './random.ts';

/** Who took part in an event: names of a licence and a machine. */
export interface Parties {
  readonly license?: string | undefined;
  readonly machine?: string | undefined;
}

export interface Trace {
  note(what: string, parties?: Parties): void;
  /** Equal hashes mean equal events at equal times in equal order. */
  hash(): string;
  /** The latest lines about these parties, oldest first. */
  about(parties: Parties, limit: number): string[];
}

interface Line extends Parties {
  readonly at: number;
  readonly what: string;
}

const KEPT = 4096;

export function createTrace(now: () => number): Trace {
  const kept: Line[] = [];
  let hash = '';
  let pending = '';
  return {
    note(what, parties = {}) {
      const line = { at: now(), what, ...parties };
      kept.push(line);
      if (kept.length > 2 * KEPT) kept.splice(0, KEPT);
      pending += `${line.at} ${what}\n`;
      if (pending.length < KEPT) return;
      hash = hexHash(hash + pending);
      pending = '';
    },
    hash: () => hexHash(hash + pending),
    about: (parties, limit) =>
      kept
        .filter((line) => isAbout(line, parties))
        .slice(-limit)
        .map(({ at, what }) => `${new Date(at).toISOString()}  ${what}`),
  };
}

function isAbout(line: Parties, { license, machine }: Parties): boolean {
  const fits = (name: string | undefined, wanted: string | undefined) =>
    wanted === undefined || name === undefined || name === wanted;
  return fits(line.license, license) && fits(line.machine, machine);
}
