import type { RegisteredKey } from '../keys/registry.ts';

/** The operator's list of keys, where instances read it from. Both methods reject with a sentence for the operator. */
export interface KeyList {
  read(): Promise<readonly RegisteredKey[]>;
  /** Whole or not at all; instances see it within seconds. */
  write(keys: readonly RegisteredKey[]): Promise<void>;
}
