/** What the key directory asks of a cloud's KMS, one row a cloud. */
import type { AlgorithmName } from '../../shared/algorithms.ts';
import { type Cloud, cloudOf } from '../../shared/keys/registry.ts';
import type { MacVerifier } from '../../shared/ports/mac-verifier.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { type AwsKmsClient, type AwsPublicKey, awsPublicKey, awsSigner } from './aws.ts';
import { awsMacVerifier } from './aws-mac.ts';
import { googlePublicKey, googleSigner, type KmsClient, type KmsPublicKey } from './google.ts';
import { googleMacVerifier } from './google-mac.ts';

export interface CloudPublicKey {
  readonly algorithm: AlgorithmName;
  readonly pem: string;
}

export interface CloudKeys {
  publicKey(name: string, deadlineMs?: number): Promise<CloudPublicKey>;
  /** `publicKey` is what `publicKey` answered for the same name. */
  signer(
    name: string,
    publicKey: CloudPublicKey,
    options: { readonly kid: string; readonly deadlineMs: number | undefined },
  ): Signer;
  macVerifier(name: string, deadlineMs?: number): MacVerifier;
}

interface Clients {
  readonly client: KmsClient;
  readonly awsClient?: AwsKmsClient | undefined;
}

/** @throws Error when keys of a cloud are listed for which there is no client. */
export function keysOfCloud(cloud: Cloud, { client, awsClient }: Clients): CloudKeys {
  if (cloud === 'google') return googleKeys(client);
  if (awsClient === undefined) throw new Error('There are keys in AWS, and no client for it.');
  return awsKeys(awsClient);
}

function googleKeys(client: KmsClient): CloudKeys {
  return {
    publicKey: (name, deadlineMs) => googlePublicKey(client, name, deadlineMs),
    signer: (versionName, publicKey, options) =>
      googleSigner(client, { versionName, publicKey: publicKey as KmsPublicKey, ...options }),
    macVerifier: (versionName, deadlineMs) => googleMacVerifier(client, { versionName, deadlineMs }),
  };
}

function awsKeys(client: AwsKmsClient): CloudKeys {
  return {
    publicKey: (name, deadlineMs) => awsPublicKey(client, name, deadlineMs),
    signer: (keyId, publicKey, options) =>
      awsSigner(client, { keyId, publicKey: publicKey as AwsPublicKey, ...options }),
    macVerifier: (keyId, deadlineMs) => awsMacVerifier(client, { keyId, deadlineMs }),
  };
}

/** A public key as `publicKey` answers it, for one that is known already; not for an alias, whose ARN only AWS knows. */
export function pinnedPublicKey(name: string, algorithm: AlgorithmName, pem: string): CloudPublicKey {
  const google: KmsPublicKey = { versionName: name, algorithm, pem };
  const aws: AwsPublicKey = { keyArn: name, algorithm, pem };
  return cloudOf(name) === 'aws' ? aws : google;
}
