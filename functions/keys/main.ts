/** The function `keys`: public keys. Its service account can sign nothing. */
import { start } from '../../infra/start.ts';
import { serve } from '../http/serve.ts';
import { keyEndpoints } from './endpoints.ts';

const started = start('keys');
serve(started, keyEndpoints(started.ports.keys));
