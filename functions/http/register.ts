/** Registers an application with the functions-framework under a name. */
import { http } from '@google-cloud/functions-framework';
import { getRequestListener } from '@hono/node-server';
import { type AppOptions, createApp } from './app.ts';
import { describeError } from './error-log.ts';
import { guardFramework } from './framework.ts';
import { problemOf } from './problem.ts';

/** After this, `functions-framework --target=NAME` and `getTestServer(NAME)` serve the endpoints. */
export function register(name: string, options: AppOptions): void {
  guardFramework(({ request, requestId, error }) => {
    const { status, code } = problemOf(error, requestId);
    const severity = status < 500 ? 'INFO' : 'ERROR';
    const method = request.method ?? '';
    const failure = status < 500 ? {} : describeError(error);
    options.log.write({
      severity,
      message: 'request',
      request_id: requestId,
      method,
      status,
      code,
      ...failure,
    });
  });
  const app = createApp(options);
  http(name, getRequestListener(app.fetch, { overrideGlobalObjects: false }));
}
