/** What every method of the local KMS's gRPC service shares: answering, its protos and its port. */

import { createRequire } from 'node:module';
import * as grpc from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { STATUS, StatusError } from './status.ts';

const SERVICE = 'google.cloud.kms.v1.KeyManagementService';

export const PROTECTION_LEVEL = 'SOFTWARE';

export type Named = { readonly name: string };
export type Parented = { readonly parent: string };

/** From milliseconds since the epoch. */
export function timestamp(milliseconds: number) {
  return { seconds: Math.floor(milliseconds / 1000), nanos: (milliseconds % 1000) * 1_000_000 };
}

/** A gRPC handler from an async function: what it throws becomes the call's status. */
export function answer<Request, Response>(
  serve: (request: Request) => Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    serve(call.request).then(
      (response) => callback(null, response),
      (error: unknown) => callback(statusOf(error)),
    );
  };
}

function statusOf(error: unknown): { code: number; details: string } {
  if (error instanceof StatusError) return { code: STATUS[error.status], details: error.message };
  console.error(error);
  return { code: STATUS.INTERNAL, details: 'Internal error encountered.' };
}

export function loadService(): grpc.ServiceDefinition {
  const protos = createRequire(import.meta.url)('@google-cloud/kms/build/protos/protos.json');
  const definition = fromJSON(protos, { longs: String, enums: String, defaults: true, oneofs: true });
  return definition[SERVICE] as grpc.ServiceDefinition;
}

/** Serves on 127.0.0.1 and resolves with the port. */
export function bind(server: grpc.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else
        reject(
          new Error(
            `The local KMS cannot listen on 127.0.0.1:${port} (${error.message}); stop what uses that port, or set LOCAL_KMS_PORT to another one (0 for any free one).`,
            { cause: error },
          ),
        );
    });
  });
}
