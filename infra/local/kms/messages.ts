/** What the local KMS and the process that forked it say to each other over the child-process channel. */

import type { Fault, FaultOptions } from './faults.ts';

export interface KmsCounts {
  readonly signs: { readonly requested: number; readonly succeeded: number };
  /** Calls of GetPublicKey. */
  readonly publicKeys: number;
  /** Calls of MacVerify, and of AWS's VerifyMac. */
  readonly macVerifies: number;
}

/** Google's side, and AWS's. */
export interface KmsStats extends KmsCounts {
  readonly aws: KmsCounts;
}

export type ToKms =
  | ({ readonly type: 'fault'; readonly fault: Fault | null } & FaultOptions)
  | {
      readonly type: 'stats';
    };

export type FromKms =
  | { readonly type: 'ready'; readonly port: number; readonly awsPort: number }
  /** It could not start; `message` is a sentence for the operator. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'fault-set' }
  | ({ readonly type: 'stats' } & KmsStats);
