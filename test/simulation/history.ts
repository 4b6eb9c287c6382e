/**
 * The true history of the store: what every applied commit changed, when, and for which request. It is kept apart
 * from the store, so that a check compares two accounts of the same events.
 */
import type { Fields, Write } from '../../shared/ports/document-store.ts';
import type { LicenseRecord } from '../../shared/records/license.ts';
import type { SessionRecord } from '../../shared/records/session.ts';
import type { UsageRecord } from '../../shared/records/usage.ts';
import type { Request } from './request.ts';

/** One state of a session or licence, in force from `from` until the next one. */
export interface Version<T> {
  readonly from: number;
  until: number;
  readonly record: T;
  /** The request whose commit made it. */
  readonly by: Request;
}

export interface SessionLife {
  /** Short, for people. */
  readonly name: string;
  readonly license: string;
  readonly hardware: string;
  readonly generation: string;
  readonly createdBy: Request;
  readonly versions: Version<SessionRecord>[];
  readonly createdAt: number;
  /** When the store deleted or replaced it. */
  removedAt: number | undefined;
  removedBy: Request | undefined;
  usage: UsageRecord | undefined;
}

export interface LicensePast {
  readonly states: Version<LicenseRecord>[];
  /** How many sessions there were, since when. */
  readonly held: { from: number; count: number }[];
}

export type DocumentKind = 'license' | 'seat' | 'session' | 'idempotency' | 'usage';

export interface Change {
  readonly kind: DocumentKind;
  readonly path: string;
  readonly license: string;
  /** The last segment: a seat number, a hardware hash, … */
  readonly id: string;
  readonly before: Fields | undefined;
  readonly after: Fields | undefined;
}

export interface Commit {
  readonly at: number;
  readonly request: Request;
  readonly changes: readonly Change[];
}

export interface History {
  /** A commit that the store has applied. */
  applied(writes: readonly Write[], request: Request): Commit;
  readonly documents: ReadonlyMap<string, Fields>;
  /** By generation. */
  readonly sessions: ReadonlyMap<string, SessionLife>;
  /** By licence hash. */
  readonly licenses: ReadonlyMap<string, LicensePast>;
}

export function createHistory(now: () => number): History {
  const documents = new Map<string, Fields>();
  const sessions = new Map<string, SessionLife>();
  const licenses = new Map<string, LicensePast>();
  return {
    documents,
    sessions,
    licenses,
    applied(writes, request) {
      const changes = writes.map((write) => changeOf(documents, write));
      const commit: Commit = { at: now(), request, changes };
      for (const change of changes) {
        if (change.after === undefined) documents.delete(change.path);
        else documents.set(change.path, change.after);
      }
      for (const change of changes) follow(commit, change, sessions, licenses);
      return commit;
    },
  };
}

function changeOf(documents: ReadonlyMap<string, Fields>, write: Write): Change {
  const before = documents.get(write.path);
  const after =
    write.op === 'delete' ? undefined : write.op === 'set' ? write.fields : { ...before, ...write.fields };
  return { ...place(write.path), path: write.path, before, after };
}

function place(path: string): Pick<Change, 'kind' | 'license' | 'id'> {
  const [collection = '', first = '', inner, second = ''] = path.split('/');
  if (collection === 'licenses' && inner === undefined) return { kind: 'license', license: first, id: first };
  if (inner === 'seats') return { kind: 'seat', license: first, id: second };
  if (inner === 'sessions') return { kind: 'session', license: first, id: second };
  if (collection === 'usage') return { kind: 'usage', license: first.split('_')[0] ?? '', id: first };
  if (collection === 'idempotency') return { kind: 'idempotency', license: '', id: first };
  throw new Error(`nothing known is stored at ${path}`);
}

function follow(
  { at, request }: Commit,
  change: Change,
  sessions: Map<string, SessionLife>,
  licenses: Map<string, LicensePast>,
): void {
  const { kind, license, before, after } = change;
  if (kind === 'license') {
    const past = licenses.get(license) ?? { states: [], held: [{ from: at, count: 0 }] };
    licenses.set(license, past);
    append(past.states, at, after as LicenseRecord, request);
  } else if (kind === 'session') {
    const held = licenses.get(license)?.held ?? [];
    const difference = Number(after !== undefined) - Number(before !== undefined);
    if (difference !== 0) held.push({ from: at, count: (held.at(-1)?.count ?? 0) + difference });
    followSession(at, request, change, sessions);
  } else if (kind === 'usage') {
    const life = sessions.get(change.id.split('_')[2] ?? '');
    if (life !== undefined) life.usage = after as UsageRecord;
  }
}

function followSession(
  at: number,
  request: Request,
  change: Change,
  sessions: Map<string, SessionLife>,
): void {
  const before = change.before as SessionRecord | undefined;
  const after = change.after as SessionRecord | undefined;
  const old = before && sessions.get(before.generation);
  if (old !== undefined && before?.generation !== after?.generation) {
    old.removedAt = at;
    old.removedBy = request;
    (old.versions.at(-1) as Version<SessionRecord>).until = at;
  }
  if (after === undefined) return;
  const life = sessions.get(after.generation) ?? born(at, request, change, after, `s${sessions.size}`);
  sessions.set(after.generation, life);
  life.removedAt = undefined;
  append(life.versions, at, after, request);
}

function born(
  at: number,
  createdBy: Request,
  { license, id: hardware }: Change,
  { generation }: SessionRecord,
  name: string,
): SessionLife {
  const fresh = { createdBy, createdAt: at, removedAt: undefined, removedBy: undefined, usage: undefined };
  return { name, license, hardware, generation, versions: [], ...fresh };
}

function append<T>(versions: Version<T>[], from: number, record: T, by: Request): void {
  const last = versions.at(-1);
  if (last !== undefined && last.until > from) last.until = from;
  versions.push({ from, until: Number.POSITIVE_INFINITY, record, by });
}

/** The versions that were in force at some time from `from` to `until`, both included; the latest first. */
export function* during<T>(
  versions: readonly Version<T>[],
  from: number,
  until: number,
): Generator<Version<T>> {
  for (let i = versions.length - 1; i >= 0; i--) {
    const version = versions[i] as Version<T>;
    if (version.until < from) return;
    if (version.from <= until) yield version;
  }
}

/** The largest number of seats in force at some time from `from` to `until`. */
export function mostSeats({ states }: LicensePast, from: number, until: number): number {
  let most = 0;
  for (const { record } of during(states, from, until)) {
    most = Math.max(most, record.seats ?? Number.POSITIVE_INFINITY);
  }
  return most;
}
