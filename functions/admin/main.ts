/** The function `admin`: what operators call, with API keys or ID tokens. It may sign with the licence keys. */
import { openMailer } from '../../infra/mail.ts';
import { startSigning } from '../../infra/start.ts';
import { createAuthenticate } from '../../shared/usecases/authenticate.ts';
import { serve } from '../http/serve.ts';
import { adminEndpoints } from './endpoints.ts';

const started = await startSigning('admin');
const { ports, settings, config } = started;
serve(
  { ...started, authenticate: createAuthenticate(ports, started) },
  adminEndpoints(ports, settings, openMailer(config)),
);
