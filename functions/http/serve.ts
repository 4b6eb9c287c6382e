/** Registers a function's endpoints, and those that every function has, with the functions-framework. */
import type { Log } from '../../shared/ports/log.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { type About, aboutEndpoints } from './about.ts';
import { docsEndpoints } from './docs.ts';
import type { Endpoint } from './endpoint.ts';
import { register } from './register.ts';

interface Service {
  readonly ports: Pick<Ports, 'store' | 'keys'>;
  readonly log: Log;
  readonly about: About;
  readonly config: { readonly CORS_ALLOWED_ORIGINS: readonly string[] };
}

export function serve({ ports, log, about, config }: Service, own: readonly Endpoint[]): void {
  const described = [...own, ...aboutEndpoints(ports, about)];
  const endpoints = [...described, ...docsEndpoints(described, about.version)];
  register(about.name, { endpoints, allowedOrigins: config.CORS_ALLOWED_ORIGINS, log });
}
