import type { DocumentPath, Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { SessionRecord } from '../records/session.ts';

/** Commits writes of which one leaves `record` at `path`, and remembers it; forgets what it knew when that fails. Answers its version. */
export async function commitSession(
  { store, memory }: Pick<Ports, 'store' | 'memory'>,
  path: DocumentPath,
  record: SessionRecord,
  writes: readonly Write[],
): Promise<string | undefined> {
  try {
    const versions = await store.commit(writes);
    const version = versions[writes.findIndex((write) => write.path === path)];
    if (version !== undefined) memory.sessions.set(path, { record, version });
    return version;
  } catch (error) {
    memory.sessions.delete(path);
    throw error;
  }
}
