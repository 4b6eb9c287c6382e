/** The function `keys`: public keys and the key manifest. Its service account can sign nothing. */
import { start } from '../../infra/start.ts';
import { serve } from '../http/serve.ts';
import { keyEndpoints } from './endpoints.ts';
import { manifestEndpoints } from './manifest.ts';

const started = start('keys');
const { keys, store } = started.ports;
serve(started, [...keyEndpoints(keys), ...manifestEndpoints(store)]);
