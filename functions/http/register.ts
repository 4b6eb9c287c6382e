/** Registers an application with the functions-framework under a name. */
import { http } from '@google-cloud/functions-framework';
import { getRequestListener } from '@hono/node-server';
import { CountersignError } from '../../shared/errors.ts';
import { type AppOptions, createApp } from './app.ts';
import { describeError } from './error-log.ts';
import { guardFramework } from './framework.ts';
import { problemOf } from './problem.ts';
import { requestIdOf } from './request-id.ts';
import { withoutDomains } from './without-domains.ts';

/** After this, `functions-framework --target=NAME` and `getTestServer(NAME)` serve the endpoints. */
export function register(name: string, options: AppOptions): void {
  withoutDomains();
  guardFramework(({ method, requestId, error }) => {
    const { status, code } = problemOf(error, requestId);
    options.log.write({
      severity: status < 500 ? 'INFO' : 'ERROR',
      message: 'request',
      request_id: requestId,
      ...(method !== undefined && { method }),
      status,
      code,
      ...(status >= 500 && describeError(error)),
    });
  });
  const app = createApp(options);
  http(name, getRequestListener(app.fetch, { errorHandler: unreadable }));
}

/** The adapter between Node's request and the application could not make the one into the other. */
function unreadable(cause: unknown): Response {
  const error = new CountersignError('malformed_request', 'The request could not be read.', { cause });
  const { status, headers, body } = problemOf(error, requestIdOf(undefined));
  return new Response(body, { status, headers });
}
