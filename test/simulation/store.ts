/**
 * The store as an instance sees it over a network that delays, loses and repeats. Reads are never outdated. What it
 * never does: deliver a commit again after its answer has reached the sender, or later than the sender's deadline and
 * a bound.
 */
import { CountersignError } from '../../shared/errors.ts';
import {
  CommitInterruptedError,
  ConflictError,
  type DocumentStore,
  type Write,
} from '../../shared/ports/document-store.ts';
import type { Fault } from './configuration.ts';
import type { Commit } from './history.ts';
import type { Instance } from './instance.ts';
import type { Request } from './request.ts';
import type { Stage } from './stage.ts';

/** How long after its sender's deadline a commit may still be applied. */
export const LATE_BOUND_MS = 5000;

type Versions = readonly (string | undefined)[];
type Settled = { readonly versions: Versions } | { readonly error: unknown };

const unavailable = () => new CountersignError('store_unavailable', 'The store is unavailable. Try again.');

/** The store for one request that runs on one instance. */
export function storeFor(
  stage: Stage,
  inner: DocumentStore,
  instance: Instance,
  request: Request,
  onCommit: (commit: Commit) => void,
): DocumentStore {
  const { scheduler, trace, strikes, latencyMs } = stage;
  const { storeDeadlineMs } = stage.configuration;
  const parties = partiesOf(stage, request);

  function read<T>(what: string, run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const answer = instance.whileAlive(resolve);
      const fail = instance.whileAlive(reject);
      if (strikes('readUnavailable')) {
        trace.note(`r${request.id} ${what}: unavailable`, parties);
        return scheduler.after(latencyMs(), () => fail(unavailable()));
      }
      const slowMs = strikes('readSlow') ? stage.random.between(1, storeDeadlineMs) : 0;
      scheduler.after(latencyMs() + slowMs, () => {
        trace.note(`r${request.id} ${what}`, parties);
        run().then((value) => scheduler.after(latencyMs(), () => answer(value)), reject);
      });
    });
  }

  async function apply(writes: readonly Write[]): Promise<Settled> {
    try {
      const committed = inner.commit(writes);
      const versions = await committed;
      return { versions };
    } catch (error) {
      return { error };
    }
  }

  /** Lets the store decide on the writes; `then` is told. */
  function arrive(writes: readonly Write[], then: (settled: Settled) => void = () => {}): void {
    apply(writes).then((settled) => {
      trace.note(`r${request.id} commit ${describe(stage, writes)}: ${outcomeOf(settled)}`, parties);
      if ('versions' in settled) onCommit(stage.history.applied(writes, request));
      then(settled);
    });
  }

  function commit(writes: readonly Write[]): Promise<Versions> {
    if (strikes('crash')) scheduler.after(stage.random.between(0, 3 * latencyMs()), instance.crash);
    return new Promise((resolve, reject) => {
      const answer = instance.whileAlive((settled: Settled) =>
        'versions' in settled ? resolve(settled.versions) : reject(settled.error),
      );
      const lose = (afterMs: number) =>
        scheduler.after(afterMs, () => answer({ error: new CommitInterruptedError() }));
      const way = latencyMs();
      const back = (settled: Settled) => scheduler.after(latencyMs(), () => answer(settled));
      const send = (delayMs: number, then?: (settled: Settled) => void) =>
        scheduler.after(delayMs, () => arrive(writes, then));
      switch (FATES.find((fate) => strikes(fate))) {
        case 'commitAborted':
        case 'commitUnavailableBefore':
          trace.note(`r${request.id} commit is turned away`, parties);
          return lose(way * 2);
        case 'commitRefused':
          return scheduler.after(way * 2, () => answer({ error: unavailable() }));
        case 'commitUnavailableAfter':
          return send(way, () => lose(latencyMs()));
        case 'commitNeverArrived':
          return lose(storeDeadlineMs);
        case 'commitAppliedLate':
          send(stage.random.between(way, storeDeadlineMs + LATE_BOUND_MS));
          return lose(storeDeadlineMs);
        case 'commitAppliedTwice':
          return send(way, () => send(latencyMs(), (settled) => back(repeated(stage, settled))));
        case 'commitSlow':
          return send(stage.random.between(way, Math.max(way, storeDeadlineMs - way)), back);
        default:
          return send(way, back);
      }
    });
  }

  return {
    get: (paths) => read('reads', () => inner.get(paths)),
    query: (query) => read('queries', () => inner.query(query)),
    aggregate: (query, aggregates) => read('counts', () => inner.aggregate(query, aggregates)),
    commit,
  };
}

const FATES: readonly Fault[] = [
  'commitAborted',
  'commitUnavailableBefore',
  'commitRefused',
  'commitUnavailableAfter',
  'commitNeverArrived',
  'commitAppliedLate',
  'commitAppliedTwice',
  'commitSlow',
];

function repeated({ counters }: Stage, settled: Settled): Settled {
  if ('error' in settled && settled.error instanceof ConflictError)
    counters.count('conflict with its own success');
  return settled;
}

export function partiesOf({ names }: Stage, { license, hardware }: Request) {
  return { license: names.get(license ?? ''), machine: names.get(hardware ?? '') };
}

function outcomeOf(settled: Settled): string {
  if ('versions' in settled) return 'applied';
  const { error } = settled;
  return error instanceof ConflictError ? 'conflict' : String(error);
}

function describe({ names, history }: Stage, writes: readonly Write[]): string {
  return writes
    .map((write) => {
      const path = write.path.replace(
        /[0-9a-f]{32}/g,
        (hash) => names.get(hash) ?? history.sessions.get(hash)?.name ?? hash.slice(0, 6),
      );
      const end =
        write.op === 'delete'
          ? ''
          : ((write.fields.lease_expires_at ?? write.fields.ended_at ?? '') as string);
      return `${write.op === 'delete' ? '-' : '+'}${path}${end === '' ? '' : `@${end}`}`;
    })
    .join(' ');
}
