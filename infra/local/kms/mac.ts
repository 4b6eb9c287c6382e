/**
 * MacSign and MacVerify. What is refused with which status is that of the contract tests of
 * GoogleCloudPlatform/kms-integrations, which Google runs against Cloud KMS.
 */

import { timingSafeEqual } from 'node:crypto';
import { crc32c } from '../../kms/crc32c.ts';
import { type Int64Value, verifyChecksum } from './checksums.ts';
import { type Faults, strike, tamperChecksumFlags, tamperName, tamperVerdict } from './faults.ts';
import { PROTECTION_LEVEL } from './grpc.ts';
import type { Keyring } from './keyring.ts';
import { StatusError } from './status.ts';

/** https://cloud.google.com/kms/docs/create-validate-mac-signatures: 64 KiB, and 16 KiB for keys in an HSM. */
const MAX_DATA_BYTES = 64 * 1024;

export interface MacSignRequest {
  readonly name: string;
  readonly data: Buffer;
  readonly dataCrc32c: Int64Value;
}

export interface MacVerifyRequest extends MacSignRequest {
  readonly mac: Buffer;
  readonly macCrc32c: Int64Value;
}

export function macSign(keyring: Keyring, { name, data, dataCrc32c }: MacSignRequest) {
  const { tag } = keyring.macOf(name);
  const verifiedDataCrc32c = verifyChecksum('data', requireData(data), dataCrc32c);
  const mac = tag(data);
  return {
    name,
    mac,
    macCrc32c: { value: crc32c(mac) },
    verifiedDataCrc32c,
    protectionLevel: PROTECTION_LEVEL,
  };
}

export async function macVerify(keyring: Keyring, faults: Faults, request: MacVerifyRequest) {
  const fault = faults.take('MacVerify');
  await strike(fault);
  const { name, data, mac } = request;
  const { algorithm, tag } = keyring.macOf(name);
  requireData(data);
  requireTagBytes(mac, algorithm.keyBytes);
  const verified = {
    verifiedDataCrc32c: verifyChecksum('data', data, request.dataCrc32c),
    verifiedMacCrc32c: verifyChecksum('mac', mac, request.macCrc32c),
  };
  return {
    ...tamperChecksumFlags(fault, verified),
    ...tamperVerdict(fault, timingSafeEqual(tag(data), mac)),
    name: tamperName(fault, name),
    protectionLevel: PROTECTION_LEVEL,
  };
}

function requireData(data: Buffer): Buffer {
  if (data.length > 0 && data.length <= MAX_DATA_BYTES) return data;
  throw new StatusError(
    'INVALID_ARGUMENT',
    `The data has ${data.length} bytes; it has 1 to ${MAX_DATA_BYTES}.`,
  );
}

function requireTagBytes(mac: Buffer, bytes: number): void {
  if (mac.length === bytes) return;
  throw new StatusError('INVALID_ARGUMENT', `The MAC has ${mac.length} bytes; this key makes ${bytes}.`);
}
