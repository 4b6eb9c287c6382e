/** The function `licensing`: what installations with a CAIO licence call. Its service account can sign nothing. */
import { start } from '../../infra/start.ts';
import { serve } from '../http/serve.ts';
import { licensingEndpoints } from './endpoints.ts';

const started = start('licensing');
serve(started, licensingEndpoints(started.ports, started.settings));
