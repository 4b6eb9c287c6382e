/**
 * `google.cloud.kms.v1.KeyManagementService` over gRPC, served from the protos that the npm package
 * `@google-cloud/kms` ships. Methods that are not here answer UNIMPLEMENTED.
 */

import * as grpc from '@grpc/grpc-js';
import { administration } from './administration.ts';
import type { Faults } from './faults.ts';
import { answer, bind, loadService, type Named } from './grpc.ts';
import type { ImportJobs } from './import-jobs.ts';
import { importing } from './importing.ts';
import type { Keyring } from './keyring.ts';
import { type MacSignRequest, type MacVerifyRequest, macSign, macVerify } from './mac.ts';
import type { KmsCounts } from './messages.ts';
import { asymmetricSign, getPublicKey, type SignRequest } from './signing.ts';

interface LocalKeys {
  readonly keyring: Keyring;
  readonly importJobs: ImportJobs;
}

export interface LocalKmsServer {
  readonly port: number;
  counts(): KmsCounts;
  close(): void;
}

/**
 * Serves on 127.0.0.1; `port` 0 takes any free one.
 *
 * @throws Error with a sentence for the operator when the port cannot be used.
 */
export async function serveKms(
  { keyring, importJobs }: LocalKeys,
  faults: Faults,
  port: number,
): Promise<LocalKmsServer> {
  const counts = { signs: { requested: 0, succeeded: 0 }, publicKeys: 0, macVerifies: 0 };
  const server = new grpc.Server();
  server.addService(loadService(), {
    ...administration(keyring),
    ...importing(keyring, importJobs),
    GetPublicKey: answer(async ({ name }: Named) => {
      counts.publicKeys += 1;
      return getPublicKey(keyring, faults, name);
    }),
    AsymmetricSign: answer(async (request: SignRequest) => {
      counts.signs.requested += 1;
      const response = await asymmetricSign(keyring, faults, request);
      counts.signs.succeeded += 1;
      return response;
    }),
    MacSign: answer(async (request: MacSignRequest) => macSign(keyring, request)),
    MacVerify: answer(async (request: MacVerifyRequest) => {
      counts.macVerifies += 1;
      return macVerify(keyring, faults, request);
    }),
  });
  return {
    port: await bind(server, port),
    counts: () => counts,
    close: () => server.forceShutdown(),
  };
}
