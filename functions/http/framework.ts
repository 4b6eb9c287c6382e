/**
 * Makes the functions-framework fit for the public: what it would answer by itself becomes problem+json.
 *
 * The framework parses a body before the function sees it, up to 1 GB, and Express answers malformed JSON, an
 * undecodable path or its own failures with an HTML page. It offers no hook before that. Node does: the channel
 * `net.server.socket` announces each connection, and with it the server, before a byte is read. There the
 * request listener is put behind a guard, once per server, however the framework was started: by its command
 * line, by a platform, by a test.
 *
 * The guard reads the body, keeps no more than `MAX_BODY_BYTES`, and leaves it as `rawBody`, which is where the
 * framework would leave it. Its parsers skip a request that was read. See docs/adr/0002.
 */
import { subscribe } from 'node:diagnostics_channel';
import { type IncomingMessage, type RequestListener, Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CountersignError, type ErrorCode } from '../../shared/errors.ts';
import { PROBLEM_MEDIA_TYPE, problemOf } from './problem.ts';
import { announcesTooMuch, bodyTooLarge, readBody } from './request-body.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';
import { checkTarget } from './request-target.ts';

/** A request that passed the guard. */
export type GuardedRequest = IncomingMessage & {
  requestId?: string;
  rawBody?: Uint8Array;
  /** Why there is no `rawBody`; the application answers with it. */
  bodyError?: unknown;
};

/** Told of every request that the guard answered itself. */
export type OnRefused = (refused: {
  readonly method: string | undefined;
  readonly requestId: string;
  readonly error: unknown;
}) => void;

/** How long a request may take to arrive. Node's default is 5 minutes, which a slow sender could hold. */
const REQUEST_TIMEOUT_MS = 30_000;

const guarded = new WeakSet<Server>();
let isSubscribed = false;

/** Puts every HTTP server of this process behind the guard. The first caller's `onRefused` serves them all. */
export function guardFramework(onRefused: OnRefused): void {
  if (isSubscribed) return;
  isSubscribed = true;
  subscribe('net.server.socket', (message) => {
    const { server } = (message as { socket: Socket & { server?: unknown } }).socket;
    if (server instanceof Server && !guarded.has(server)) guard(server, onRefused);
  });
}

function guard(server: Server, onRefused: OnRefused): void {
  guarded.add(server);
  const [application, ...others] = server.listeners('request') as ExpressApplication[];
  // Another server of this process, and none of the framework's, whose listener is one Express application.
  if (application === undefined || others.length > 0 || typeof application.use !== 'function') return;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  // Node would answer a request without Host with an empty page; the guard does it.
  (server as Server & { requireHostHeader: boolean }).requireHostHeader = false;
  application.use((error: unknown, request: GuardedRequest, response: ServerResponse, _next: unknown) =>
    refuse(request, response, fromExpress(error), onRefused),
  );
  server.removeAllListeners('request');
  server.on('request', (request: GuardedRequest, response) =>
    receive(application, request, response, onRefused),
  );
  // A client that waits for leave to send a body that is too large does not get it.
  server.on('checkContinue', (request: GuardedRequest, response: ServerResponse) => {
    if (announcesTooMuch(request)) return refuse(request, response, bodyTooLarge(), onRefused);
    response.writeContinue();
    server.emit('request', request, response);
  });
  server.on('checkExpectation', (request: GuardedRequest, response) =>
    refuse(request, response, malformed('The Expect header cannot be met.'), onRefused),
  );
  server.removeAllListeners('clientError');
  server.on('clientError', (error, socket) => refuseConnection(error, socket as Socket, onRefused));
}

type ErrorMiddleware = (
  error: unknown,
  request: GuardedRequest,
  response: ServerResponse,
  next: unknown,
) => void;
type ExpressApplication = RequestListener & { use(middleware: ErrorMiddleware): void };

function receive(
  application: ExpressApplication,
  request: GuardedRequest,
  response: ServerResponse,
  onRefused: OnRefused,
): void {
  request.requestId = requestIdOf(request.headers[REQUEST_ID_HEADER]);
  try {
    checkTarget(request);
  } catch (error) {
    refuse(request, response, error, onRefused);
    return;
  }
  const pass = (read: Pick<GuardedRequest, 'rawBody' | 'bodyError'>) =>
    application(Object.assign(request, read), response);
  readBody(request).then(
    (rawBody) => pass({ rawBody }),
    // The framework's parsers would wait for the rest of a body that has not ended.
    (bodyError) => (request.complete ? pass({ bodyError }) : refuse(request, response, bodyError, onRefused)),
  );
}

function refuse(
  request: GuardedRequest,
  response: ServerResponse,
  error: unknown,
  onRefused: OnRefused,
): void {
  const requestId = request.requestId ?? requestIdOf(request.headers[REQUEST_ID_HEADER]);
  onRefused({ method: request.method, requestId, error });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = problemOf(error, requestId);
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    // The rest of a body that is not read would be taken for the next request.
    ...(!request.complete && { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

const CLIENT_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** What Node's parser could not read as HTTP at all. There is no request to answer, only a socket. */
function refuseConnection(cause: NodeJS.ErrnoException, socket: Socket, onRefused: OnRefused): void {
  if (cause.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = CLIENT_ERRORS[cause.code ?? ''] ?? 'malformed_request';
  const error = new CountersignError(code, 'The request could not be read as HTTP/1.1.', { cause });
  const requestId = requestIdOf(undefined);
  onRefused({ method: undefined, requestId, error });
  const { status, body } = problemOf(error, requestId);
  socket.end(
    `HTTP/1.1 ${status} ${code}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** Express marks what it holds against the client with a 4xx status; its messages may quote the request. */
function fromExpress(error: unknown): unknown {
  const { status } = error as { status?: unknown };
  return typeof status === 'number' && status < 500
    ? malformed('The request could not be read.', error)
    : error;
}

function malformed(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('malformed_request', detail, { cause });
}
