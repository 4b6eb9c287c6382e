/** Registers a function's endpoints, and those that every function has, with the functions-framework. */
import type { Authenticate } from '../../shared/ports/authenticate.ts';
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
  readonly config: { readonly CORS_ALLOWED_ORIGINS: readonly string[]; readonly TRUSTED_PROXIES?: number };
  /** Who calls; needed where an endpoint is not public. */
  readonly authenticate?: Authenticate;
}

/** @returns everything that is served */
export function serve(
  { ports, log, about, config, authenticate }: Service,
  own: readonly Endpoint[],
): readonly Endpoint[] {
  const described = [...own, ...aboutEndpoints(ports, about)];
  const endpoints = [...described, ...docsEndpoints(described, about.version)];
  const { CORS_ALLOWED_ORIGINS: allowedOrigins, TRUSTED_PROXIES: trustedProxies = 0 } = config;
  register(about.name, { endpoints, authenticate, trustedProxies, allowedOrigins, log });
  return endpoints;
}
