/**
 * Faults that a test switches on, so that callers can be shown to survive them. They arrive over the
 * child-process channel only (`messages.ts`); nothing on the network can set one.
 */

import { StatusError } from './status.ts';

export type Fault =
  /** Answers correctly, after a pause. */
  | { readonly kind: 'latency'; readonly ms: number }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'resource_exhausted' }
  | { readonly kind: 'permission_denied' }
  /** A signature that does not verify, with the right checksum. */
  | { readonly kind: 'wrong_signature' }
  /** A signature with its last byte missing, with the right checksum. */
  | { readonly kind: 'short_signature' }
  /** Google only; MacVerify answers with flags where others have checksums, and has them false. */
  | { readonly kind: 'wrong_checksum' }
  /** The answer names another key version, on AWS another key. */
  | { readonly kind: 'wrong_name' }
  /** The answer names another algorithm or key spec; AWS only. */
  | { readonly kind: 'wrong_algorithm' }
  /** The answer does not confirm the checksum of the request, in MacVerify that of the data; Google only. */
  | { readonly kind: 'unverified' }
  /** The answer does not confirm the checksum of the MAC; Google's MacVerify only. */
  | { readonly kind: 'unverified_mac' }
  /** The verdict on a MAC is turned round, and the answer shows it: it contradicts itself. */
  | { readonly kind: 'contradiction' };

/** The first three are Google's, the others AWS's. */
export type FaultMethod =
  | 'AsymmetricSign'
  | 'GetPublicKey'
  | 'MacVerify'
  | 'TrentService.Sign'
  | 'TrentService.GetPublicKey'
  | 'TrentService.VerifyMac';

export interface FaultOptions {
  /** Strike only the next `times` calls. Without it the fault stays until it is replaced. */
  readonly times?: number;
  /** Default `AsymmetricSign`. */
  readonly method?: FaultMethod;
}

const REFUSALS = {
  unavailable: ['UNAVAILABLE', 'The service is currently unavailable.'],
  resource_exhausted: [
    'RESOURCE_EXHAUSTED',
    "Quota exceeded for quota metric 'Cryptographic requests' and limit 'Cryptographic requests per minute'.",
  ],
  permission_denied: [
    'PERMISSION_DENIED',
    "Permission 'cloudkms.cryptoKeyVersions.useToSign' denied on resource (or it may not exist).",
  ],
} as const;

export type Faults = ReturnType<typeof createFaults>;

export function createFaults() {
  const active = new Map<FaultMethod, { fault: Fault; left: number }>();

  return {
    /** `null` ends every fault. */
    set(fault: Fault | null, { times = Number.POSITIVE_INFINITY, method = 'AsymmetricSign' }: FaultOptions) {
      if (fault === null) active.clear();
      else active.set(method, { fault, left: times });
    },

    /** The fault that strikes this call, counted as used. */
    take(method: FaultMethod): Fault | undefined {
      const entry = active.get(method);
      if (entry === undefined) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) active.delete(method);
      return entry.fault;
    },
  };
}

/** What a fault does before the call is served: wait, or refuse. */
export async function strike(fault: Fault | undefined): Promise<void> {
  if (fault === undefined) return;
  if (fault.kind === 'latency') await new Promise((resolve) => setTimeout(resolve, fault.ms));
  if (fault.kind in REFUSALS) {
    const [status, details] = REFUSALS[fault.kind as keyof typeof REFUSALS];
    throw new StatusError(status, details);
  }
}

/** The signature as the fault would have it. */
export function tamperSignature(fault: Fault | undefined, signature: Buffer): Buffer {
  if (fault?.kind === 'short_signature') return signature.subarray(0, -1);
  if (fault?.kind !== 'wrong_signature') return signature;
  const wrong = Buffer.from(signature);
  wrong.writeUInt8(wrong.readUInt8(wrong.length - 1) ^ 1, wrong.length - 1);
  return wrong;
}

export function tamperChecksum(fault: Fault | undefined, checksum: number): number {
  return fault?.kind === 'wrong_checksum' ? (checksum ^ 1) >>> 0 : checksum;
}

export function tamperAlgorithm(fault: Fault | undefined, algorithm: string): string {
  return fault?.kind === 'wrong_algorithm' ? algorithm.replace('_', '_PH_') : algorithm;
}

export function tamperName(fault: Fault | undefined, name: string): string {
  return fault?.kind === 'wrong_name' ? `${name}7` : name;
}

interface ChecksumFlags {
  readonly verifiedDataCrc32c: boolean;
  readonly verifiedMacCrc32c: boolean;
}

export function tamperChecksumFlags(fault: Fault | undefined, flags: ChecksumFlags): ChecksumFlags {
  const { kind } = fault ?? {};
  return {
    verifiedDataCrc32c: flags.verifiedDataCrc32c && kind !== 'wrong_checksum' && kind !== 'unverified',
    verifiedMacCrc32c: flags.verifiedMacCrc32c && kind !== 'wrong_checksum' && kind !== 'unverified_mac',
  };
}

/** Google's verdict on a MAC, which it gives twice. */
export function tamperVerdict(fault: Fault | undefined, success: boolean) {
  return {
    success: fault?.kind === 'contradiction' ? !success : success,
    verifiedSuccessIntegrity: success,
  };
}
