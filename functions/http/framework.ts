/**
 * Makes the functions-framework fit for the public: what it would answer by itself becomes problem+json.
 *
 * The framework parses a body before the function sees it, up to 1 GB, and Express answers malformed JSON, an
 * undecodable path or its own failures with an HTML page. It offers no hook before that. Node does: the channel
 * `net.server.socket` announces each connection, and with it the server, before a byte is read. There the
 * request listener is put behind a guard, once per server, however the framework was started: by its command
 * line, by a platform, by a test.
 *
 * The guard reads the body, no more than `MAX_BODY_BYTES`, and leaves it as `rawBody`, which is where the
 * framework would leave it. Its parsers skip a request that was read. See docs/adr/0002.
 */
import { subscribe } from 'node:diagnostics_channel';
import { type IncomingMessage, type RequestListener, Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { MAX_BODY_BYTES } from '../../shared/constants.ts';
import { CountersignError, type ErrorCode } from '../../shared/errors.ts';
import { PROBLEM_MEDIA_TYPE, problemOf } from './problem.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';

/** A request whose body was read by the guard. */
export type GuardedRequest = IncomingMessage & { rawBody?: Uint8Array; requestId?: string };

/** Told of every request that the guard answered itself. */
export type OnRefused = (refused: { request: IncomingMessage; requestId: string; error: unknown }) => void;

/** How long a request may take to arrive. Node's default is 5 minutes, which a slow sender could hold. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Paths that the framework answers with an empty 404 before any function. */
const FRAMEWORK_PATHS = new Set(['/favicon.ico', '/robots.txt']);

const guarded = new WeakSet<Server>();
let isSubscribed = false;

/** Puts every HTTP server of this process behind the guard. Calling it again changes nothing. */
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
  if (application === undefined || others.length > 0 || typeof application.use !== 'function') return;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  application.use((error: unknown, request: GuardedRequest, response: ServerResponse, _next: unknown) => {
    refuse(request, response, error instanceof URIError ? malformedPath(error) : error, onRefused);
  });
  server.removeAllListeners('request');
  server.on('request', (request: GuardedRequest, response) => {
    receive(request).then(
      () => application(request, response),
      (error) => refuse(request, response, error, onRefused),
    );
  });
  server.removeAllListeners('clientError');
  server.on('clientError', answerClientError);
}

type ErrorMiddleware = (
  error: unknown,
  request: GuardedRequest,
  response: ServerResponse,
  next: unknown,
) => void;
type ExpressApplication = RequestListener & { use(middleware: ErrorMiddleware): void };

/** Reads the whole body into `rawBody`. @throws CountersignError when it may not pass. */
async function receive(request: GuardedRequest): Promise<void> {
  request.requestId = requestIdOf(request.headers[REQUEST_ID_HEADER]);
  checkPath(request.url ?? '/');
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  if (
    request.headers['content-encoding'] !== undefined &&
    request.headers['content-encoding'] !== 'identity'
  ) {
    throw new CountersignError('unsupported_media_type', 'Send the body without a Content-Encoding.');
  }
  request.rawBody = await readBody(request);
}

function readBody(request: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) chunks.push(chunk);
      else reject(tooLarge());
    });
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', (cause) =>
      reject(new CountersignError('malformed_request', 'The request broke off before its end.', { cause })),
    );
  });
}

function checkPath(url: string): void {
  const [path = '/'] = url.split('?', 1);
  try {
    decodeURIComponent(path);
  } catch (cause) {
    throw malformedPath(cause);
  }
  if (FRAMEWORK_PATHS.has(path)) throw new CountersignError('not_found', 'This service has no such path.');
}

function malformedPath(cause: unknown): CountersignError {
  return new CountersignError(
    'malformed_request',
    'The path has a percent sign that starts no valid escape.',
    { cause },
  );
}

function tooLarge(): CountersignError {
  return new CountersignError('body_too_large', `A body may have ${MAX_BODY_BYTES} bytes at most.`);
}

function refuse(
  request: GuardedRequest,
  response: ServerResponse,
  error: unknown,
  onRefused: OnRefused,
): void {
  const requestId = request.requestId ?? requestIdOf(undefined);
  onRefused({ request, requestId, error });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = problemOf(error, requestId);
  // The rest of a body that is not read would be taken for the next request.
  const closing = request.complete ? {} : { connection: 'close' };
  response.writeHead(status, { ...headers, ...closing, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** What Node's parser could not read as HTTP at all. There is no request to answer, only a socket. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = CLIENT_ERRORS[error.code ?? ''] ?? 'malformed_request';
  const problem = problemOf(
    new CountersignError(code, 'The request could not be read as HTTP/1.1.'),
    requestIdOf(undefined),
  );
  socket.end(
    `HTTP/1.1 ${problem.status} ${code}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(problem.body)}\r\nconnection: close\r\n\r\n${problem.body}`,
  );
}

const CLIENT_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};
