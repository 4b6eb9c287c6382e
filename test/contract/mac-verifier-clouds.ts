/** The adapters of the `MacVerifier` port, each with the local KMS that it is tested against. */

import { expect } from 'vitest';
import { createAwsKmsClient } from '../../infra/kms/aws.ts';
import { awsMacVerifier } from '../../infra/kms/aws-mac.ts';
import { createKmsClient } from '../../infra/kms/google.ts';
import { googleMacVerifier } from '../../infra/kms/google-mac.ts';
import { provisionAwsMacKey } from '../../infra/local/kms/aws/provision-mac.ts';
import type { Fault, FaultMethod } from '../../infra/local/kms/faults.ts';
import type { KmsStats } from '../../infra/local/kms/messages.ts';
import { provisionMacKey } from '../../infra/local/kms/provision-mac.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { MacVerifier } from '../../shared/ports/mac-verifier.ts';
import { TEST_KEY_RING, type TestKms } from '../support/kms.ts';

export interface Options {
  readonly key: string;
  readonly deadlineMs?: number;
  readonly maxAttempts?: number;
}

type Endpoints = Pick<TestKms, 'endpoint' | 'awsEndpoint'>;

export interface Cloud {
  readonly name: string;
  readonly maxMessageBytes: number;
  readonly method: FaultMethod;
  /** Faults after which it asks again, and those after which it does not; latency is neither. */
  readonly passing: readonly Fault['kind'][];
  readonly final: readonly Fault['kind'][];
  asked(stats: KmsStats): number;
  /** Imports a secret into a new key, and says which. */
  provision(kms: Endpoints, id: string, secret: Uint8Array): Promise<string>;
  connect(kms: Endpoints): {
    verifier(options: Options): MacVerifier;
    close(): Promise<void>;
  };
}

export const GOOGLE: Cloud = {
  name: 'Google Cloud KMS',
  maxMessageBytes: 65_536,
  method: 'MacVerify',
  passing: ['unavailable', 'wrong_checksum', 'unverified', 'unverified_mac', 'wrong_name', 'contradiction'],
  final: ['resource_exhausted', 'permission_denied'],
  asked: (stats) => stats.macVerifies,
  provision: ({ endpoint }, id, secret) => provisionMacKey(endpoint, TEST_KEY_RING, { id, secret }),
  connect({ endpoint }) {
    const client = createKmsClient({ endpoint });
    return {
      verifier: ({ key, ...limits }) => googleMacVerifier(client, { versionName: key, ...limits }),
      close: () => client.close(),
    };
  },
};

export const AWS: Cloud = {
  name: 'AWS KMS',
  maxMessageBytes: 4096,
  method: 'TrentService.VerifyMac',
  passing: ['unavailable', 'resource_exhausted', 'wrong_name', 'wrong_algorithm', 'contradiction'],
  final: ['permission_denied'],
  asked: (stats) => stats.aws.macVerifies,
  provision: ({ awsEndpoint }, id, secret) =>
    provisionAwsMacKey(awsEndpoint, { alias: `alias/${id}`, secret }),
  connect({ awsEndpoint }) {
    const client = createAwsKmsClient({ endpoint: awsEndpoint });
    return {
      verifier: ({ key, ...limits }) => awsMacVerifier(client, { keyId: key, ...limits }),
      close: () => client.close(),
    };
  },
};

export const CLOUDS = [GOOGLE, AWS];

/** The error that a verdict fails with, which must tell clients nothing about the key. */
export async function failureOf(promise: Promise<unknown>): Promise<CountersignError> {
  const error = await promise.then(
    (verdict) => new Error(`no failure, but ${verdict}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CountersignError)) throw error;
  expect(error.code).toBe('signing_unavailable');
  expect(error.retryAfterSeconds).toBeGreaterThan(0);
  expect(error.message).not.toMatch(/arn:|alias|license-|projects/);
  return error;
}
