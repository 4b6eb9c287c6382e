/**
 * One more instance of the service over the store of a test service: with a mailer, with a store or keys that fail, with
 * an issuer of ID tokens.
 *
 * ```ts
 * const instance = await serveBeside(service, { ports: { store: openFailingStore(service.ports.store, …) } });
 * ```
 */
import { randomUUID } from 'node:crypto';
import type { Endpoint } from '../../functions/http/endpoint.ts';
import { serve } from '../../functions/http/serve.ts';
import { createLog } from '../../infra/log.ts';
import { createInstanceMemory } from '../../infra/memory.ts';
import { readableOnly } from '../../infra/stores/readable.ts';
import type { Identify } from '../../shared/ports/authenticate.ts';
import type { Mailer } from '../../shared/ports/mailer.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { createAuthenticate } from '../../shared/usecases/authenticate.ts';
import { everyEndpoint } from './every-endpoint.ts';
import { type Listening, listenFor } from './listen.ts';
import type { TestService } from './service.ts';

export interface Beside {
  /** What this instance has in place of the service's own; its memory is always its own. */
  readonly ports?: Partial<Ports>;
  readonly mailer?: Mailer | undefined;
  readonly identify?: Identify;
}

export interface Instance extends Listening {
  /** Everything that is served. */
  readonly endpoints: readonly Endpoint[];
}

export async function serveBeside(service: TestService, beside: Beside = {}): Promise<Instance> {
  const given: Ports = { ...service.ports, memory: createInstanceMemory(), ...beside.ports };
  const ports = { ...given, store: readableOnly(given.store) };
  const { issuer } = service.settings;
  const about = { name: `beside-${randomUUID()}`, version: '0', environment: 'test', issuer };
  const log = createLog('DEBUG', () => {});
  const authenticate = createAuthenticate(ports, { log, identify: beside.identify });
  const config = { CORS_ALLOWED_ORIGINS: [], TRUSTED_PROXIES: 0 };
  const own = everyEndpoint(ports, service.settings, beside.mailer);
  const endpoints = serve({ ports, log, about, config, authenticate }, own);
  return { ...(await listenFor(about.name)), endpoints };
}
