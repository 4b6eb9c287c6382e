/**
 * The audit trail: an event joins the chain in the commit of what it tells of. Of two commits at once one finds that the
 * chain has grown, and is decided anew.
 */

import { hex } from '../canonical/hex.ts';
import { canonicalJsonBytes } from '../canonical/jcs.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import type { Clock } from '../ports/clock.ts';
import type { DocumentStore, Fields, Snapshot, Value, Write } from '../ports/document-store.ts';
import type { Random } from '../ports/random.ts';
import { type AuditHead, auditHeadRecord, auditRecord } from '../records/audit.ts';
import { AUDIT_HEAD_PATH, auditPath } from '../records/paths.ts';
import { readRecord } from './read.ts';

/** Who acts, from where. */
export interface Actor {
  readonly actor: string;
  readonly source: string | null;
  readonly requestId: string | null;
}

/** What is done. `before` and `after` hold what changes, and no secret. */
export interface Act {
  readonly action: string;
  readonly target: string;
  readonly before: Value;
  readonly after: Value;
}

export interface Recording {
  /** What an attempt reads beside its own documents. */
  paths(): readonly string[];
  /** Whether an earlier attempt, whose commit was not confirmed, has happened. */
  hasHappened(snapshots: readonly (Snapshot | undefined)[]): boolean;
  /** The writes that join the act to the chain, or several in their order. `snapshots` are of `paths()`. */
  writes(act: Act | readonly Act[], snapshots: readonly (Snapshot | undefined)[]): Promise<Write[]>;
}

/** Before the first event. */
export const EMPTY_CHAIN: AuditHead = { seq: 0, hash: '' };

/** One act, however many attempts it takes. */
export function beginRecording(
  { clock, random }: { readonly clock: Pick<Clock, 'now'>; readonly random: Random },
  { actor, source, requestId }: Actor,
): Recording {
  const id = hex(random.bytes(16));
  let tried: string | undefined;

  return {
    paths: () => [AUDIT_HEAD_PATH, ...(tried === undefined ? [] : [tried])],

    hasHappened([, event]) {
      return readRecord(auditRecord, event)?.record.id === id;
    },

    async writes(acts, [headSnapshot]) {
      const head = readRecord(auditHeadRecord, headSnapshot);
      const demand = head === undefined ? ('absent' as const) : { version: head.version };
      const by = { at: clock.now(), actor, source, request_id: requestId };
      let last = head?.record ?? EMPTY_CHAIN;
      tried = auditPath(last.seq + 1);
      const events: Write[] = [];
      for (const act of [acts].flat()) {
        // The first of them tells whether the commit has happened.
        const ownId = events.length === 0 ? id : hex(random.bytes(16));
        const event = { seq: last.seq + 1, id: ownId, ...by, ...act, previous: last.hash };
        last = { seq: event.seq, hash: await hashOf(event) };
        const fields = { ...event, hash: last.hash };
        events.push({ op: 'set', path: auditPath(event.seq), fields, demand: 'absent' });
      }
      return [...events, { op: 'set', path: AUDIT_HEAD_PATH, fields: last, demand }];
    },
  };
}

/** For an act that has no other effect. */
export async function recordAct(
  ports: { readonly store: DocumentStore; readonly clock: Pick<Clock, 'now'>; readonly random: Random },
  recording: Recording,
  act: Act,
): Promise<void> {
  const snapshots = await ports.store.get(recording.paths());
  if (recording.hasHappened(snapshots)) return;
  await ports.store.commit(await recording.writes(act, snapshots));
}

/** SHA-256 of an event in hex. */
export async function hashOf({ hash: _, ...event }: Fields): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', canonicalJsonBytes(event as JsonObject))));
}
