/**
 * Two operators who call at the same moment. At one instance their writes queue; at two they meet in the store alone.
 *
 * ```ts
 * const rivals = await startRivals(service, 'two instances');
 * const answers = await rivals.both('PATCH', path, [{ seats: 6 }, { seats: 7 }]);
 * ```
 */
import { type AdminCall, adminCalls } from './admin-calls.ts';
import { serveBeside } from './serve-beside.ts';
import type { Answer, TestService } from './service.ts';
import { steadyKey } from './steady-key.ts';

export interface Rivals {
  readonly one: AdminCall;
  readonly other: AdminCall;
  /** The same call at once, each with a body of its own. */
  both(
    method: string,
    path: string,
    bodies: readonly [object | undefined, object | undefined],
    headers?: Readonly<Record<string, string>>,
  ): Promise<readonly Answer[]>;
  stop(): Promise<void>;
}

export async function startRivals(
  service: TestService,
  instances: 'one instance' | 'two instances',
): Promise<Rivals> {
  // A queue is kept for each store that is handed in: as of another process, this one is another.
  const second = await serveBeside(service, { ports: { store: { ...service.ports.store } } });
  const one = adminCalls(service, await steadyKey(service));
  const other = adminCalls(instances === 'one instance' ? service : second, await steadyKey(service));
  return {
    one,
    other,
    both: (method, path, [first, last], headers) =>
      Promise.all([one(method, path, first, headers), other(method, path, last, headers)]),
    stop: second.stop,
  };
}
