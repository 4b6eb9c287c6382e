/** The function `licenses`: what clients call. It may sign with the licence keys. */
import { startSigning } from '../../infra/start.ts';
import { serve } from '../http/serve.ts';
import { licenseEndpoints } from './endpoints.ts';

const started = await startSigning('licenses');
serve(started, licenseEndpoints(started.ports, started.settings));
