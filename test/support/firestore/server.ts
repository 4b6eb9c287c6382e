/**
 * A Firestore for tests: google.firestore.v1.Firestore over gRPC on 127.0.0.1, served from the protos that the npm
 * package `@google-cloud/firestore` ships. Methods that are not here answer UNIMPLEMENTED.
 *
 *   const server = await startFirestoreServer({ indexes, latencyMs: 10 });
 *   server.setFault({ kind: 'unavailable_after' }, { times: 1, method: 'Commit' });
 *   ...
 *   await server.stop();
 */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { type DocumentDump, dumpDocuments } from './dump.ts';
import { createFaults, type Fault, type FaultOptions, withFault } from './faults.ts';
import type { IndexConfiguration } from './index-catalog.ts';
import { createIndexRules } from './index-rules.ts';
import { createService, type Service } from './service.ts';
import { createCounters, type FirestoreStats } from './stats.ts';
import { invalid, STATUS, StatusError } from './status.ts';

const SERVICE = 'google.firestore.v1.Firestore';
const MAX_REQUEST_BYTES = 10 * 1024 * 1024;

export interface FirestoreServerOptions {
  /** 0, the default, takes any free one. */
  readonly port?: number;
  /** The content of `infra/stores/indexes.json`. Without it no query needs an index, as in the emulator. */
  readonly indexes?: IndexConfiguration;
  /** How long every call takes: half of it before its effect, half after. */
  readonly latencyMs?: number;
  /** The machine's clock; for tests of the server itself. */
  readonly nowMs?: () => number;
}

export interface FirestoreServer {
  readonly port: number;
  /** `127.0.0.1:{port}` */
  readonly host: string;
  setLatency(latencyMs: number): void;
  /** `null` ends all faults. */
  setFault(fault: Fault | null, options?: FaultOptions): void;
  /** Since the start or the last reset. */
  stats(): FirestoreStats;
  resetStats(): void;
  /** Every document by its name, decoded. */
  documents(): DocumentDump;
  /** Deletes every document and ends every transaction. */
  clear(): void;
  stop(): Promise<void>;
}

export async function startFirestoreServer(options: FirestoreServerOptions = {}): Promise<FirestoreServer> {
  let latencyMs = options.latencyMs ?? 0;
  const faults = createFaults();
  const counters = createCounters();
  const service = createService({
    nowMs: options.nowMs ?? preciseNow,
    indexRules: createIndexRules(options.indexes),
    bill: counters.bill,
  });

  /** One call from its arrival to its outcome. */
  async function perform<T>(method: string, deadlineAt: number, serve: () => T): Promise<T> {
    counters.callStarted(method);
    try {
      await pauseFor(latencyMs / 2);
      const fault = faults.take(method);
      if (fault !== undefined) counters.faultStruck(fault.kind);
      return await withFault(fault, serve, (delayMs) => untilDeadline(deadlineAt, delayMs));
    } finally {
      await pauseFor(latencyMs / 2);
      counters.callEnded();
    }
  }

  const server = new grpc.Server({ 'grpc.max_receive_message_length': 4 * MAX_REQUEST_BYTES });
  server.addService(loadService(), implementation(service, perform));
  const port = await bind(server, options.port ?? 0);
  return {
    port,
    host: `127.0.0.1:${port}`,
    setLatency(ms) {
      latencyMs = ms;
    },
    setFault: (fault, faultOptions) => faults.set(fault, faultOptions),
    stats: counters.snapshot,
    resetStats: counters.reset,
    documents: () => dumpDocuments(service.documents.all()),
    clear: service.clear,
    stop: async () => server.forceShutdown(),
  };
}

type Perform = <T>(method: string, deadlineAt: number, serve: () => T) => Promise<T>;

/** gRPC handlers from functions: what they throw becomes the call's status. */
function implementation({ unary, streaming }: Service, perform: Perform): grpc.UntypedServiceImplementation {
  const handlers: grpc.UntypedServiceImplementation = {};
  for (const [method, serve] of Object.entries(unary as unknown as Methods<object>)) {
    handlers[method] = ((call, callback) => {
      perform(method, deadlineOf(call), () => serve(accept(call.request))).then(
        (response) => callback(null, response),
        (error: unknown) => callback(statusOf(error)),
      );
    }) as grpc.handleUnaryCall<SizedRequest, object>;
  }
  for (const [method, serve] of Object.entries(streaming as unknown as Methods<object[]>)) {
    handlers[method] = ((call) => {
      perform(method, deadlineOf(call), () => serve(accept(call.request))).then(
        (responses) => {
          for (const response of responses) call.write(response);
          call.end();
        },
        (error: unknown) => call.emit('error', statusOf(error)),
      );
    }) as grpc.handleServerStreamingCall<SizedRequest, object>;
  }
  return handlers;
}

/** Each method takes its own message; the proto is what guarantees that it gets it. */
type Methods<Response> = Readonly<Record<string, (request: unknown) => Response>>;

interface SizedRequest {
  readonly message: unknown;
  readonly bytes: number;
}

function accept({ message, bytes }: SizedRequest): unknown {
  if (bytes > MAX_REQUEST_BYTES) {
    throw invalid(`Request payload size exceeds the limit: ${MAX_REQUEST_BYTES} bytes.`);
  }
  return message;
}

function deadlineOf(call: { getDeadline(): grpc.Deadline }): number {
  return Number(call.getDeadline());
}

/** Without a deadline and a delay it is over at once. */
async function untilDeadline(deadlineAt: number, delayMs = Number.POSITIVE_INFINITY): Promise<void> {
  const waitMs = Math.min(delayMs, deadlineAt - Date.now());
  if (Number.isFinite(waitMs)) await pauseFor(waitMs);
}

async function pauseFor(ms: number): Promise<void> {
  if (ms > 0) await pause(ms);
}

/** Milliseconds since the epoch, with the microseconds that `Date.now()` leaves out. */
function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

function statusOf(error: unknown): { code: number; details: string } {
  if (error instanceof StatusError) return { code: STATUS[error.status], details: error.message };
  console.error(error);
  return { code: STATUS.INTERNAL, details: 'Internal error encountered.' };
}

/** The service with requests that know their size on the wire. */
function loadService(): grpc.ServiceDefinition {
  const require = createRequire(import.meta.url);
  // The package exports its package.json and not its protos.
  const root = dirname(require.resolve('@google-cloud/firestore/package.json'));
  const protos = require(join(root, 'build/protos/v1.json'));
  const packages = fromJSON(protos, { longs: String, enums: String, defaults: true, oneofs: true });
  const definition = packages[SERVICE] as grpc.ServiceDefinition;
  return Object.fromEntries(
    Object.entries(definition).map(([method, { requestDeserialize, ...rest }]) => [
      method,
      {
        ...rest,
        requestDeserialize: (bytes: Buffer): SizedRequest => ({
          message: requestDeserialize(bytes),
          bytes: bytes.length,
        }),
      },
    ]),
  );
}

function bind(server: grpc.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else
        reject(new Error(`The Firestore test server cannot listen on 127.0.0.1:${port}.`, { cause: error }));
    });
  });
}
