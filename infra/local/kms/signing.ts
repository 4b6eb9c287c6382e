/** GetPublicKey and AsymmetricSign. */

import { crc32c } from '../../kms/crc32c.ts';
import { type Int64Value, verifyChecksum } from './checksums.ts';
import { type Faults, strike, tamperChecksum, tamperName, tamperSignature } from './faults.ts';
import { PROTECTION_LEVEL } from './grpc.ts';
import type { Keyring } from './keyring.ts';
import { StatusError } from './status.ts';

export interface SignRequest {
  readonly name: string;
  /** A oneof: at most one member holds bytes. `digest` names it. */
  readonly digest: { readonly digest?: string; readonly sha256?: Buffer } | null;
  readonly digestCrc32c: Int64Value;
  /** proto3 bytes: absent and empty are the same. */
  readonly data: Buffer;
  readonly dataCrc32c: Int64Value;
}

export async function getPublicKey(keyring: Keyring, faults: Faults, name: string) {
  const fault = faults.take('GetPublicKey');
  await strike(fault);
  const pem = keyring.publicKeyPem(name);
  return {
    pem,
    algorithm: keyring.version(name).algorithm,
    pemCrc32c: { value: tamperChecksum(fault, crc32c(Buffer.from(pem))) },
    name: tamperName(fault, name),
    protectionLevel: PROTECTION_LEVEL,
    publicKeyFormat: 'PEM',
  };
}

export async function asymmetricSign(keyring: Keyring, faults: Faults, request: SignRequest) {
  const fault = faults.take('AsymmetricSign');
  await strike(fault);
  const { algorithm, sign } = keyring.signerOf(request.name);
  const { digest, data } = request;
  const verified = {
    verifiedDigestCrc32c: verifyChecksum('digest', digest?.sha256, request.digestCrc32c),
    verifiedDataCrc32c: verifyChecksum('data', data, request.dataCrc32c),
  };
  const signature = tamperSignature(fault, sign(requireInput(algorithm.input, digest, data)));
  return {
    signature,
    signatureCrc32c: { value: tamperChecksum(fault, crc32c(signature)) },
    ...(fault?.kind === 'unverified' ? {} : verified),
    name: tamperName(fault, request.name),
    protectionLevel: PROTECTION_LEVEL,
  };
}

/** Exactly the field that the algorithm takes, of exactly its length. */
function requireInput(
  input: ReturnType<Keyring['signerOf']>['algorithm']['input'],
  digest: SignRequest['digest'],
  data: Buffer,
): Buffer {
  const sent = [digest?.digest, data.length > 0 ? 'data' : undefined].filter((field) => field !== undefined);
  const [field] = sent;
  if (sent.length !== 1 || field !== input.field) {
    const description = sent.length === 0 ? 'neither digest nor data' : sent.join(' and ');
    throw new StatusError(
      'INVALID_ARGUMENT',
      `This key signs ${input.field}; the request has ${description}.`,
    );
  }
  if (input.field === 'data') return data;
  const bytes = digest?.sha256 ?? Buffer.alloc(0);
  if (bytes.length !== input.digestBytes) {
    throw new StatusError(
      'INVALID_ARGUMENT',
      `The digest has ${bytes.length} bytes; ${input.field} has ${input.digestBytes}.`,
    );
  }
  return bytes;
}
