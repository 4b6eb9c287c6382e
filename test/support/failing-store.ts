/** A store some of whose commits are applied and then not confirmed. */
import { CommitInterruptedError, type DocumentStore } from '../../shared/ports/document-store.ts';

export function openFailingStore(
  store: DocumentStore,
  { interruptEvery }: { readonly interruptEvery: number },
): DocumentStore {
  let commits = 0;
  return {
    ...store,
    async commit(writes) {
      const versions = await store.commit(writes);
      commits += 1;
      if (commits % interruptEvery === 0) throw new CommitInterruptedError();
      return versions;
    },
  };
}
