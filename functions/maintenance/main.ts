/** The function `maintenance`: what Cloud Scheduler calls once a minute. It needs no key to sign with. */
import { start } from '../../infra/start.ts';
import { serve } from '../http/serve.ts';
import { maintenanceEndpoints } from './endpoints.ts';

const started = start('maintenance');
serve(started, maintenanceEndpoints(started.ports, started.settings));
