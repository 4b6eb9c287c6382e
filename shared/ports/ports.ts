import type { Clock } from './clock.ts';
import type { DocumentStore } from './document-store.ts';
import type { Hasher } from './hasher.ts';
import type { KeyDirectory } from './key-directory.ts';
import type { InstanceMemory } from './memory.ts';
import type { Random } from './random.ts';

/** Everything a use case may reach outside itself. */
export interface Ports {
  readonly store: DocumentStore;
  readonly keys: KeyDirectory;
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
  /** What this instance remembers; hints only. */
  readonly memory: InstanceMemory;
}
