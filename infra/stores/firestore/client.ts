/**
 * The wire side of the Firestore adapter: one call, one attempt, one deadline. What is asked and when to ask again is
 * elsewhere.
 *
 * Authentication, channel and protos are those of `@google-cloud/firestore`, but calls go to the stub that the
 * generated client's `initialize()` resolves with, not to its method wrappers and not to the `Firestore` class, because
 * those send a call again after UNAVAILABLE, DEADLINE_EXCEEDED and others (`firestore_client_config.json`), a commit
 * too, for minutes; start their deadline only after authentication; and end the process when authentication fails
 * (an unhandled rejection). `WriteBatch.set` takes no precondition, and `runTransaction` sleeps.
 */

import type { ClientReadableStream, Metadata, ServiceError, status } from '@grpc/grpc-js';
import { CountersignError } from '../../../shared/errors.ts';
import type {
  BatchGetRequest,
  BatchGetResponse,
  CommitRequest,
  CommitResponse,
  RunAggregationQueryRequest,
  RunAggregationQueryResponse,
  RunQueryRequest,
  RunQueryResponse,
} from './wire.ts';

const CHANNEL = {
  /**
   * grpc-js waits 1 s, then longer up to 120 s, before it dials a lost server again; until then every call fails at
   * once. A licence server cannot wait that long.
   */
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  /** A DNS record could otherwise prescribe retries of commits. What is left are calls that were never sent. */
  'grpc.service_config_disable_resolution': 1,
};

export type GrpcStatus = keyof typeof status;

/** Firestore answered with a status other than OK, or did not answer. Its message names projects: not for clients. */
export class FirestoreCallError extends Error {
  readonly status: GrpcStatus;
  /** False if the request certainly never left this process. */
  readonly sent: boolean;

  constructor(status: GrpcStatus, message: string, options: ErrorOptions & { readonly sent: boolean }) {
    super(`${status}: ${message}`, options);
    this.name = 'FirestoreCallError';
    this.status = status;
    this.sent = options.sent;
  }
}

/**
 * `deadlineAt` is milliseconds since the epoch. Every method rejects with `FirestoreCallError`, or with
 * `store_unavailable` once the client is closed.
 */
export interface FirestoreClient {
  commit(request: CommitRequest, deadlineAt: number): Promise<CommitResponse>;
  batchGetDocuments(request: BatchGetRequest, deadlineAt: number): Promise<BatchGetResponse[]>;
  runQuery(request: RunQueryRequest, deadlineAt: number): Promise<RunQueryResponse[]>;
  runAggregationQuery(
    request: RunAggregationQueryRequest,
    deadlineAt: number,
  ): Promise<RunAggregationQueryResponse[]>;
  close(): Promise<void>;
}

type UnaryMethod = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  callback: (error: ServiceError | null, response: unknown) => void,
) => void;

type StreamingMethod = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
) => ClientReadableStream<unknown>;

interface Stub {
  readonly commit: UnaryMethod;
  readonly batchGetDocuments: StreamingMethod;
  readonly runQuery: StreamingMethod;
  readonly runAggregationQuery: StreamingMethod;
}

interface Connection {
  readonly stub: Stub;
  metadataFor(routing: Routing): Metadata;
  failure(error: ServiceError): FirestoreCallError;
  close(): Promise<void>;
}

/** Which resource a call is about: it goes into the header that routes it (google.aip.dev/client-libraries/4222). */
type Routing = readonly [parameter: 'database' | 'parent', name: string];

export interface ClientOptions {
  /** `projects/{project}/databases/{database}` */
  readonly database: string;
  /** `host:port` of a local server without authentication. */
  readonly endpoint: string | undefined;
}

/** Nothing is loaded or dialled before the first call. */
export function createFirestoreClient(options: ClientOptions): FirestoreClient {
  let connecting: Promise<Connection> | undefined;
  let isClosed = false;

  /** A failure (no credentials, say) is not remembered: the next call tries again. */
  function connected(deadlineAt: number): Promise<Connection> {
    if (isClosed) return Promise.reject(closedError());
    connecting ??= connect(options).catch((error: Error) => {
      connecting = undefined;
      throw new FirestoreCallError('UNAUTHENTICATED', error.message, { cause: error, sent: false });
    });
    return beforeDeadline(connecting, deadlineAt);
  }

  async function unary(method: 'commit', request: object, routing: Routing, deadline: number) {
    const { stub, metadataFor, failure } = await connected(deadline);
    return new Promise((resolve, reject) => {
      stub[method](request, metadataFor(routing), { deadline }, (error, response) => {
        if (error === null) resolve(response);
        else reject(failure(error));
      });
    });
  }

  async function all(
    method: Exclude<keyof Stub, 'commit'>,
    request: object,
    routing: Routing,
    deadline: number,
  ) {
    const { stub, metadataFor, failure } = await connected(deadline);
    const stream = stub[method](request, metadataFor(routing), { deadline });
    return new Promise<unknown[]>((resolve, reject) => {
      const messages: unknown[] = [];
      stream.on('data', (message) => messages.push(message));
      stream.on('end', () => resolve(messages));
      stream.on('error', (error) => reject(failure(error as ServiceError)));
    });
  }

  return {
    commit: (request, deadlineAt) =>
      unary('commit', request, ['database', request.database], deadlineAt) as Promise<CommitResponse>,
    batchGetDocuments: (request, deadlineAt) =>
      all('batchGetDocuments', request, ['database', request.database], deadlineAt) as Promise<
        BatchGetResponse[]
      >,
    runQuery: (request, deadlineAt) =>
      all('runQuery', request, ['parent', request.parent], deadlineAt) as Promise<RunQueryResponse[]>,
    runAggregationQuery: (request, deadlineAt) =>
      all('runAggregationQuery', request, ['parent', request.parent], deadlineAt) as Promise<
        RunAggregationQueryResponse[]
      >,
    close: async () => {
      isClosed = true;
      // A connection that failed was reported to the calls that wanted it.
      const connection = await connecting?.catch(() => undefined);
      connecting = undefined;
      await connection?.close();
    },
  };
}

function closedError(): CountersignError {
  return new CountersignError('store_unavailable', 'The store was closed.', { retryAfterSeconds: 1 });
}

async function connect({ database, endpoint }: ClientOptions): Promise<Connection> {
  const [sdk, grpc] = await Promise.all([createSdkClient(endpoint), import('@grpc/grpc-js')]);
  const stub = (await sdk.initialize()) as unknown as Stub;
  return {
    stub,
    metadataFor([parameter, name]) {
      const headers = new grpc.Metadata();
      headers.set('x-goog-request-params', `${parameter}=${encodeURIComponent(name)}`);
      headers.set('google-cloud-resource-prefix', database);
      return headers;
    },
    failure(error) {
      const status = (grpc.status[error.code] ?? 'UNKNOWN') as GrpcStatus;
      return new FirestoreCallError(status, error.details, { cause: error, sent: true });
    },
    close: () => sdk.close(),
  };
}

async function createSdkClient(endpoint: string | undefined) {
  const { v1 } = (await import('@google-cloud/firestore')).default;
  if (endpoint === undefined) return new v1.FirestoreClient(CHANNEL);
  const [{ credentials }, { PassThroughClient }] = await Promise.all([
    import('@grpc/grpc-js'),
    import('google-auth-library'),
  ]);
  const { hostname, port } = new URL(`http://${endpoint}`);
  return new v1.FirestoreClient({
    ...CHANNEL,
    apiEndpoint: hostname,
    port: Number(port),
    sslCreds: credentials.createInsecure(),
    // Without it the client looks for credentials and probes the metadata server.
    authClient: new PassThroughClient(),
  });
}

/** What gRPC's own deadline does not cover: loading the client and authenticating. */
async function beforeDeadline<T>(promise: Promise<T>, deadlineAt: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate()), deadlineAt - Date.now());
  });
  try {
    const result = await Promise.race([promise, late]);
    // Loading blocks the event loop, and the timer with it.
    if (Date.now() >= deadlineAt) throw tooLate();
    return result;
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(): FirestoreCallError {
  const message = 'connecting to Firestore took too long';
  return new FirestoreCallError('DEADLINE_EXCEEDED', message, { sent: false });
}
