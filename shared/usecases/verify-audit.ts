/**
 * Walks the chain of audit events and says where it breaks first. It may run while operators work, and holds one page of
 * events at a time.
 */
import { type DocumentStore, documentId, type Snapshot } from '../ports/document-store.ts';
import { type AuditHead, auditHeadRecord, auditRecord } from '../records/audit.ts';
import { AUDIT, AUDIT_HEAD_PATH, auditPath } from '../records/paths.ts';
import { EMPTY_CHAIN, hashOf } from './audit-chain.ts';
import { forEachPage } from './pages.ts';
import { readRecord } from './read.ts';

/** How a chain can be broken. */
export const AUDIT_FAULTS = {
  missing: 'The event is missing.',
  misplaced: 'What is stored here is not the event of this number.',
  changed: 'The event was changed: its hash does not fit what it says.',
  unlinked: 'The event does not follow the one before it: its `previous` is not the hash of that.',
  head_differs: 'The head of the chain names another hash for the event than the event has.',
  beyond_head: 'The event is beyond the head of the chain, which was set back.',
} as const;

export type AuditFault = keyof typeof AUDIT_FAULTS;

export interface AuditBreak {
  readonly fault: AuditFault;
  /** The number that the event has, or should have. */
  readonly seq: number;
}

export interface AuditReport {
  /** How many events were found in order, from the first. */
  readonly events: number;
  /** The last of them. Kept elsewhere, it shows later that the chain was not written anew. */
  readonly head: AuditHead;
  /** Undefined when the chain is whole. */
  readonly broken: AuditBreak | undefined;
}

/** @throws CountersignError `store_unavailable`, also when the head cannot be read as one */
export async function verifyAudit(store: DocumentStore): Promise<AuditReport> {
  const before = await readHead(store);
  const walk = walkFrom(before);
  await forEachPage(store, { collection: AUDIT }, walk.page);
  const { last } = walk;
  const broken = walk.broken() ?? endOf(before, last()) ?? (await beyond(store, before, last()));
  return { events: last().seq, head: last(), broken };
}

/** Events in the order of their paths; stops at the first that is wrong. */
function walkFrom(before: AuditHead) {
  let last: AuditHead = EMPTY_CHAIN;
  let broken: AuditBreak | undefined;

  return {
    last: () => last,
    broken: () => broken,
    async page(snapshots: readonly Snapshot[]): Promise<boolean> {
      for (const snapshot of snapshots) {
        const { hash, fault } = await examine(snapshot, last, before);
        if (fault !== undefined) broken = { fault, seq: last.seq + 1 };
        if (broken !== undefined) return false;
        last = { seq: last.seq + 1, hash };
      }
      return true;
    },
  };
}

/** The event after `last`, or what is wrong with it. */
async function examine(
  { path, fields }: Snapshot,
  last: AuditHead,
  head: AuditHead,
): Promise<{ readonly hash: string; readonly fault?: AuditFault }> {
  const seq = last.seq + 1;
  const hash = await hashOf(fields);
  const event = auditRecord.safeParse(fields).data;
  const fault = (): AuditFault | undefined => {
    if (path !== auditPath(seq)) return isLater(path, seq) ? 'missing' : 'misplaced';
    if (event === undefined || event.hash !== hash) return 'changed';
    if (event.seq !== seq) return 'misplaced';
    if (event.previous !== last.hash) return 'unlinked';
    return seq === head.seq && hash !== head.hash ? 'head_differs' : undefined;
  };
  const found = fault();
  return found === undefined ? { hash } : { hash, fault: found };
}

/** The place of a later event; whatever else is in the collection is no event. */
function isLater(path: string, seq: number): boolean {
  return path > auditPath(seq) && /^\d{12}$/.test(documentId(path));
}

/** Events up to the head that was read first have to be there: they are written together with it. */
function endOf(head: AuditHead, last: AuditHead): AuditBreak | undefined {
  return last.seq < head.seq ? { fault: 'missing', seq: last.seq + 1 } : undefined;
}

/** Events beyond that head are of meanwhile when the head has moved on with them. */
async function beyond(
  store: DocumentStore,
  before: AuditHead,
  last: AuditHead,
): Promise<AuditBreak | undefined> {
  if (last.seq === before.seq) return undefined;
  const head = await readHead(store);
  if (head.seq < last.seq) return { fault: 'beyond_head', seq: Math.max(head.seq, before.seq) + 1 };
  const isOther = head.seq === last.seq && head.hash !== last.hash;
  return isOther ? { fault: 'head_differs', seq: last.seq } : undefined;
}

async function readHead(store: DocumentStore): Promise<AuditHead> {
  const [snapshot] = await store.get([AUDIT_HEAD_PATH]);
  return readRecord(auditHeadRecord, snapshot)?.record ?? EMPTY_CHAIN;
}
