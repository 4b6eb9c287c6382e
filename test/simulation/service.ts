/** The instances, and how requests reach them: over a network, to a process that may be dead, for an answer that may be lost. */

import { CountersignError } from '../../shared/errors.ts';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import type { Checks } from './checks/index.ts';
import { createInstance, type Instance } from './instance.ts';
import type { Kms } from './kms.ts';
import type { Outcome, Request } from './request.ts';
import type { Stage } from './stage.ts';
import { partiesOf, storeFor } from './store.ts';

/** What a request does on an instance. */
export type Work = (ports: Ports) => Promise<Extract<Outcome, { code: 'ok' }>>;

export interface Service {
  readonly instances: readonly Instance[];
  newRequest(wanted: Omit<Request, 'id' | 'arrivedAt'>): Request;
  /**
   * Sends a request. `done` is called once, with undefined when no answer came in time or nobody was there: then its
   * outcome is unknown.
   */
  send(instance: Instance, request: Request, work: Work, done: (outcome: Outcome | undefined) => void): void;
  anyInstance(): Instance;
  /** Requests that were sent and not yet answered. */
  underway(): number;
}

export const CLIENT_DEADLINE_MS = 30_000;

export function createService(stage: Stage, store: DocumentStore, kms: Kms, checks: Checks): Service {
  const { scheduler, trace, strikes, latencyMs, counters, hash } = stage;
  const instances = Array.from({ length: stage.configuration.instances }, (_, i) =>
    createInstance(stage, `i${i}`),
  );
  const choice = stage.random.split('balancer');
  let requests = 0;
  let underway = 0;

  function portsFor(instance: Instance, request: Request): Ports {
    const random = stage.random.split(`r${request.id}`);
    return {
      store: storeFor(stage, store, instance, request, checks.committed),
      keys: kms.keysFor(instance, request),
      clock: {
        now: instance.now,
        pause: (ms) => new Promise((resolve) => scheduler.after(ms, instance.whileAlive(resolve))),
      },
      random,
      hasher: { hash },
      memory: instance.memory(),
    };
  }

  async function outcomeOf(request: Request, work: Promise<Outcome>): Promise<Outcome> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof CountersignError) return { code: error.code };
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      stage.judge.fail('crash', `r${request.id} failed with ${text}`, partiesOf(stage, request));
      return { code: 'internal_error' };
    }
  }

  function arrive(
    instance: Instance,
    request: Request,
    work: Work,
    answer: (outcome?: Outcome) => void,
  ): void {
    const parties = partiesOf(stage, request);
    if (!instance.isUp()) {
      scheduler.after(latencyMs(), () => answer());
      return;
    }
    request.arrivedAt = scheduler.now();
    trace.note(`r${request.id} reaches ${instance.name}`, parties);
    const send = instance.whileAlive((outcome: Outcome) => {
      trace.note(`r${request.id} is answered: ${summaryOf(outcome)}`, parties);
      counters.count(`${request.operation} ${outcome.code}`);
      if (outcome.code === 'ok' && request.isBorrow) counters.count('borrowed');
      checks.answered(request, outcome);
      if (!strikes('answerLost')) scheduler.after(latencyMs(), () => answer(outcome));
    });
    outcomeOf(request, work(portsFor(instance, request))).then(send);
  }

  return {
    instances,
    newRequest: (wanted) => ({ ...wanted, id: ++requests, arrivedAt: 0 }),
    anyInstance: () => choice.pick(instances),
    underway: () => underway,
    send(instance, request, work, done) {
      let isWaiting = true;
      underway += 1;
      const finish = (outcome?: Outcome) => {
        if (!isWaiting) return;
        isWaiting = false;
        underway -= 1;
        if (outcome !== undefined) checks.told(request, outcome);
        done(outcome);
      };
      scheduler.after(CLIENT_DEADLINE_MS, finish);
      if (!strikes('requestLost'))
        scheduler.after(latencyMs(), () => arrive(instance, request, work, finish));
    },
  };
}

function summaryOf(outcome: Outcome): string {
  if (outcome.code !== 'ok' || outcome.answer === undefined) return outcome.code;
  const { answer, replayed } = outcome;
  const end = 'released_at' in answer ? answer.released_at : answer.lease_expires_at;
  return `ok, ${answer.session_id.slice(-6)} ${end}${replayed ? ' (replay)' : ''}`;
}
