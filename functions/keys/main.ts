/** The function `keys`: public keys and the key manifest. Its service account can sign nothing. */
import { start } from '../../infra/start.ts';
import { serve } from '../http/serve.ts';
import { keyEndpoints } from './endpoints.ts';
import { manifestEndpoints } from './manifest.ts';
import { createManifestWatch } from './manifest-watch.ts';

const started = start('keys');
const { keys, store, clock } = started.ports;
const watch = createManifestWatch(started.log, clock);
serve(started, [...keyEndpoints(keys), ...manifestEndpoints(store, keys, watch)]);
