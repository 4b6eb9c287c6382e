/** Acts on a store, each with its event, and what the chain is then. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createHasher } from '../../infra/hasher.ts';
import type { Caller } from '../../shared/access/caller.ts';
import type { DocumentStore, Fields } from '../../shared/ports/document-store.ts';
import { administer } from '../../shared/usecases/administer.ts';

export const OPERATOR: Caller = {
  actor: 'ada',
  scopes: new Set(),
  customerId: null,
  source: '192.0.2.1',
  requestId: 'request',
};

/** What operators' use cases reach, on this store. */
export function portsOn(store: DocumentStore) {
  return {
    store,
    clock: { now: Date.now, pause: (milliseconds: number) => pause(milliseconds) },
    random: { bytes: (length: number) => randomBytes(length) },
    hasher: createHasher('a pepper for tests, long enough to pass'),
  };
}

/** Adds one to `counters/{name}`, as an operator's act. */
export function count(store: DocumentStore, name: string, idempotencyKey?: string) {
  const request = { caller: OPERATOR, operation: 'counters.add', idempotencyKey, body: { name } };
  return administer(portsOn(store), request, async () => {
    const path = `counters/${name}`;
    const [found] = await store.get([path]);
    const before = Number(found?.fields.value ?? 0);
    const fields: Fields = { value: before + 1 };
    const demand = found === undefined ? ('absent' as const) : { version: found.version };
    return {
      answer: fields,
      writes: [{ op: 'set' as const, path, fields, demand }],
      act: { action: 'counters.add', target: name, before, after: before + 1 },
    };
  });
}
