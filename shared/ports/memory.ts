/**
 * What one instance remembers of licences and sessions, so that it can commit without reading first. All of it may be
 * outdated: a use case that relies on it demands the version of the session in its commit and reads the licence again
 * beside the commit, before it answers. Being wrong costs another attempt, never a wrong answer.
 */
import type { LicenseRecord } from '../records/license.ts';
import type { SessionRecord } from '../records/session.ts';
import type { Versioned } from '../records/versioned.ts';

export interface InstanceMemory {
  /** By licence hash. */
  readonly licenses: Remembered<Versioned<LicenseRecord>>;
  /** By path. */
  readonly sessions: Remembered<Versioned<SessionRecord>>;
  /** How many acquires of a licence are under way here, by licence hash. */
  readonly acquiring: Map<string, number>;
  /** Free seats by licence hash: a guess, from the last count and this instance's own grants since. */
  readonly freeSeats: Remembered<FreeSeats>;
}

export interface FreeSeats {
  readonly free: number;
  readonly countedAt: number;
}

/** A bounded map. */
export interface Remembered<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}
