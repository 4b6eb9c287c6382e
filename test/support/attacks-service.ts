/** The keys of a running test service with their private halves, which lie on the far side: in the folder of its KMS. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { ALGORITHMS, type AlgorithmName } from '../../shared/algorithms.ts';
import type { Signatory } from './attacks-forgery.ts';

interface KmsMetadata {
  readonly cryptoKeyVersions: Readonly<
    Record<string, { readonly algorithm: AlgorithmName; readonly privateKeyFile: string }>
  >;
}

/** A key version of the local KMS in this folder, by its resource name. */
export function signatoryOf(home: string, versionName: string): Signatory {
  const metadata = JSON.parse(readFileSync(join(home, 'metadata.json'), 'utf8')) as KmsMetadata;
  const version = metadata.cryptoKeyVersions[versionName];
  if (version === undefined) throw new Error(`the KMS has no key version ${versionName}`);
  const { algorithm, privateKeyFile } = version;
  const key = createPrivateKey(readFileSync(join(home, 'private', privateKeyFile)));
  const pem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  return { kid: thumbprint(jwkFromPem(pem)), algorithm, alg: ALGORITHMS[algorithm].jose, private: key };
}
