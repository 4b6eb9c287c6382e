/** The memory of one instance, bounded: what was not used for longest is forgotten first. */
import { REMEMBERED_LICENSES, REMEMBERED_SESSIONS } from '../shared/constants.ts';
import type { InstanceMemory, Remembered } from '../shared/ports/memory.ts';

export function createInstanceMemory(): InstanceMemory {
  return {
    licenses: remembering(REMEMBERED_LICENSES),
    sessions: remembering(REMEMBERED_SESSIONS),
    freeSeats: remembering(REMEMBERED_LICENSES),
    acquiring: new Map(),
  };
}

function remembering<T>(limit: number): Remembered<T> {
  const values = new Map<string, T>();
  return {
    get(key) {
      const value = values.get(key);
      if (value === undefined) return undefined;
      values.delete(key);
      values.set(key, value);
      return value;
    },
    set(key, value) {
      values.delete(key);
      values.set(key, value);
      const [oldest] = values.size > limit ? values.keys() : [];
      if (oldest !== undefined) values.delete(oldest);
    },
    delete: (key) => void values.delete(key),
  };
}
