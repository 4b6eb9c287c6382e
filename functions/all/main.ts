/** The function `countersign`: every endpoint in one process, for one box and for the local stack. */
import { start } from '../../infra/start.ts';
import { serve } from '../http/serve.ts';
import { keyEndpoints } from '../keys/endpoints.ts';
import { licenseEndpoints } from '../licenses/endpoints.ts';

export const started = start('countersign');

const { ports, settings } = started;
serve(started, [...licenseEndpoints(ports, settings), ...keyEndpoints(ports.keys)]);
