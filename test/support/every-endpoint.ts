/**
 * Every row of every function but those about itself.
 *
 * ```ts
 * test.each(everyEndpoint(NO_PORTS, NO_SETTINGS)); // tests are named before a service runs
 * ```
 */
import { adminEndpoints } from '../../functions/admin/endpoints.ts';
import type { Endpoint } from '../../functions/http/endpoint.ts';
import { keyEndpoints } from '../../functions/keys/endpoints.ts';
import { manifestEndpoints } from '../../functions/keys/manifest.ts';
import type { ManifestWatch } from '../../functions/keys/manifest-watch.ts';
import { licenseEndpoints } from '../../functions/licenses/endpoints.ts';
import { licensingEndpoints } from '../../functions/licensing/endpoints.ts';
import { maintenanceEndpoints } from '../../functions/maintenance/endpoints.ts';
import type { Mailer } from '../../shared/ports/mailer.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import type { Settings } from '../../shared/usecases/settings.ts';

/** For rows that are only read: their handlers would fail. */
export const NO_PORTS = {} as Ports;
export const NO_SETTINGS: Settings = { issuer: '', clockSkewSeconds: 0 };

export function everyEndpoint(
  ports: Ports,
  settings: Settings,
  mailer?: Mailer,
  watch: ManifestWatch = () => {},
): Endpoint[] {
  return [
    ...licenseEndpoints(ports, settings),
    ...licensingEndpoints(ports, settings),
    ...keyEndpoints(ports.keys),
    ...manifestEndpoints(ports.store, ports.keys, watch),
    ...maintenanceEndpoints(ports, settings),
    ...adminEndpoints(ports, settings, mailer),
  ];
}
