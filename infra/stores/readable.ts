/** A store that takes no record which nobody could read. Readers check what is stored; this keeps it from getting there. */
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { writeProblem } from '../../shared/records/kinds.ts';

/**
 * The same store; its `commit` rejects with a TypeError, having written nothing, where a record would not fit the schema that
 * it is read by. That is a defect of the use case: what a request may say is for its own schema to limit.
 */
export function readableOnly<Store extends DocumentStore>(store: Store): Store {
  return {
    ...store,
    commit: async (writes) => {
      for (const write of writes) {
        const problem = writeProblem(write);
        if (problem !== undefined) throw new TypeError(problem);
      }
      return store.commit(writes);
    },
  };
}
