/** The function `countersign`: every endpoint in one process, for one box and for the local stack. */
import { openMailer } from '../../infra/mail.ts';
import { startSigning } from '../../infra/start.ts';
import { createAuthenticate } from '../../shared/usecases/authenticate.ts';
import { adminEndpoints } from '../admin/endpoints.ts';
import { serve } from '../http/serve.ts';
import { keyEndpoints } from '../keys/endpoints.ts';
import { manifestEndpoints } from '../keys/manifest.ts';
import { createManifestWatch } from '../keys/manifest-watch.ts';
import { licenseEndpoints } from '../licenses/endpoints.ts';
import { licensingEndpoints } from '../licensing/endpoints.ts';
import { scheduleSweeps } from '../maintenance/schedule.ts';

export const started = await startSigning('countersign');

const { ports, settings, log, config } = started;
// The sweep has no endpoint here: this process faces the clients.
export const stopSweeps = scheduleSweeps(ports, settings, log, config.SWEEP_INTERVAL_SECONDS);
serve({ ...started, authenticate: createAuthenticate(ports, started) }, [
  ...licenseEndpoints(ports, settings),
  ...licensingEndpoints(ports, settings),
  ...keyEndpoints(ports.keys),
  ...manifestEndpoints(ports.store, ports.keys, createManifestWatch(log, ports.clock)),
  ...adminEndpoints(ports, settings, openMailer(config)),
]);
