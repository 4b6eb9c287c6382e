/** A Firestore test server for a test file, and Google's own clients that speak with it. */

import { Firestore, type Timestamp, v1 } from '@google-cloud/firestore';
import { credentials } from '@grpc/grpc-js';
import { PassThroughClient } from 'google-auth-library';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import {
  type FirestoreServer,
  type FirestoreServerOptions,
  startFirestoreServer,
} from '../../support/firestore/server.ts';

export const DATABASE = 'projects/test/databases/(default)';
export const ROOT = `${DATABASE}/documents`;

/** One attempt: a failure is what the server answered. */
const ONCE = { retry: null as never, timeout: 20_000 };

export interface Clients {
  readonly db: Firestore;
  readonly raw: RawClient;
  close(): Promise<void>;
}

/** The low-level client: requests as the protos have them, one attempt each. */
export type RawClient = ReturnType<typeof createRawClient>;

export function connect(port: number): Clients {
  const endpoint = {
    port,
    servicePath: '127.0.0.1',
    sslCreds: credentials.createInsecure(),
    // Without it the client looks for credentials and probes the metadata server.
    authClient: new PassThroughClient(),
  };
  const db = new Firestore({ projectId: 'test', host: '127.0.0.1', ...endpoint });
  const client = new v1.FirestoreClient({
    ...endpoint,
    // Without it a stream that fails, for whatever reason, is asked for twice more, seconds apart.
    gaxServerStreamingRetries: true,
  });
  return {
    db,
    raw: createRawClient(client),
    async close() {
      await Promise.all([db.terminate(), client.close()]);
    },
  };
}

type GoogleClient = InstanceType<typeof v1.FirestoreClient>;
type Request<Method extends keyof GoogleClient> = GoogleClient[Method] extends (
  request: infer Message,
  // biome-ignore lint/suspicious/noExplicitAny: an overload's other parameters, whatever they are
  ...rest: any[]
) => unknown
  ? Message
  : never;

function createRawClient(client: GoogleClient) {
  return {
    commit: async (writes: object[], transaction?: Uint8Array, timeout = ONCE.timeout) => {
      const request = { database: DATABASE, writes, ...(transaction && { transaction }) };
      return (await client.commit(request, { ...ONCE, timeout }))[0];
    },
    batchWrite: async (writes: object[]) =>
      (await client.batchWrite({ database: DATABASE, writes }, ONCE))[0],
    begin: async (options: object) =>
      (await client.beginTransaction({ database: DATABASE, options }, ONCE))[0].transaction as Buffer,
    rollback: (transaction: Uint8Array) => client.rollback({ database: DATABASE, transaction }, ONCE),
    batchGet: (documents: string[], more: object = {}) =>
      collect(client.batchGetDocuments({ database: DATABASE, documents, ...more }, ONCE)),
    query: (structuredQuery: object, more: object = {}) =>
      collect(client.runQuery({ parent: ROOT, structuredQuery, ...more } as Request<'runQuery'>, ONCE)),
    aggregate: (structuredAggregationQuery: object) =>
      collect(client.runAggregationQuery({ parent: ROOT, structuredAggregationQuery }, ONCE)),
    createDocument: (request: object) => client.createDocument(request, ONCE),
  };
}

/** By events: with `gaxServerStreamingRetries` the stream cannot be iterated. */
// biome-ignore lint/suspicious/noExplicitAny: the answers are looked into, message by message
function collect(stream: NodeJS.ReadableStream): Promise<any[]> {
  return new Promise((resolve, reject) => {
    const answers: unknown[] = [];
    stream.on('data', (answer) => answers.push(answer));
    stream.on('error', reject).on('end', () => resolve(answers));
  });
}

/** A server and its clients while the tests of a file run; every test starts with an empty database. */
export function useServer(
  options: FirestoreServerOptions = {},
): Clients & { readonly server: FirestoreServer } {
  const running: { server?: FirestoreServer; clients?: Clients } = {};
  beforeAll(async () => {
    running.server = await startFirestoreServer(options);
    running.clients = connect(running.server.port);
  });
  beforeEach(() => {
    running.server?.clear();
    running.server?.setFault(null);
    running.server?.resetStats();
  });
  afterAll(async () => {
    await running.clients?.close();
    await running.server?.stop();
  });
  return {
    get server() {
      return started(running.server);
    },
    get db() {
      return started(running.clients).db;
    },
    get raw() {
      return started(running.clients).raw;
    },
    close: () => started(running.clients).close(),
  };
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the server runs only while tests do');
  return value;
}

/** Code and message of a failed call. */
export async function failure(answer: Promise<unknown>): Promise<{ code: number; details: string }> {
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('the call succeeded');
  const { code, details } = error as Error & { code: number; details: string };
  return { code, details };
}

export const CODE = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
} as const;

/** A time of the high-level client, in microseconds. */
export function microsOf(time: Timestamp): bigint {
  return BigInt(time.seconds) * 1_000_000n + BigInt(time.nanoseconds) / 1000n;
}

export function update(path: string, fields: object, more: object = {}): object {
  return { update: { name: `${ROOT}/${path}`, fields }, ...more };
}
