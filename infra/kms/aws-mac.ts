/**
 * Verifying HMAC-SHA-256 tags with AWS KMS.
 *
 *   const client = createAwsKmsClient({});
 *   const verifier = awsMacVerifier(client, { keyId: 'arn:aws:kms:us-east-1:111122223333:key/…' });
 *   const isGenuine = await verifier.verify(message, mac);
 *
 * AWS sends no checksums. The request's signature covers its body (Signature Version 4, `x-amz-content-sha256`), so
 * what AWS judged is what was sent. A right MAC is answered with the key and the algorithm, which are checked; a wrong
 * one is an error, which names neither.
 */

import type { VerifyMacResponse } from '@aws-sdk/client-kms';
import type { MacVerifier } from '../../shared/ports/mac-verifier.ts';
import { requireArnOf } from './aws-arn.ts';
import { AwsCallError, type AwsKmsClient } from './aws-client.ts';
import { canBeTagged, requireIntegrity } from './integrity.ts';
import { type RetryLimits, withRetries } from './retries.ts';

export interface AwsMacVerifierOptions extends RetryLimits {
  /**
   * An ARN or a key id, with which the answer must agree, or an alias, which may stand for any key: then only AWS
   * says whose MAC it is. Permissions may depend on it, so it is sent as it is.
   */
  readonly keyId: string;
}

const MAC_ALGORITHM = 'HMAC_SHA_256';

/** "Length Constraints: Minimum length of 1. Maximum length of 4096." (API reference of VerifyMac) */
const MAX_MESSAGE_BYTES = 4096;

export function awsMacVerifier(client: AwsKmsClient, options: AwsMacVerifierOptions): MacVerifier {
  const { keyId } = options;
  return {
    async verify(message, mac) {
      if (!canBeTagged(message, mac, MAX_MESSAGE_BYTES)) return false;
      const request = { KeyId: keyId, Message: message, Mac: mac, MacAlgorithm: MAC_ALGORITHM } as const;
      return withRetries(options, async (deadlineAt) => {
        try {
          requireGenuine(await client.verifyMac(request, deadlineAt), keyId);
          return true;
        } catch (error) {
          if (isInvalidMac(error)) return false;
          throw error;
        }
      });
    },
  };
}

/** AWS has no other way to say that a MAC is wrong: `MacValid` is never false. */
function isInvalidMac(error: unknown): boolean {
  return (
    error instanceof AwsCallError && error.errorName === 'KMSInvalidMacException' && error.httpStatus === 400
  );
}

function requireGenuine({ KeyId, MacAlgorithm, MacValid }: VerifyMacResponse, keyId: string): void {
  requireArnOf(keyId, KeyId);
  requireIntegrity(MacAlgorithm === MAC_ALGORITHM, `the answer is for ${MacAlgorithm}, not ${MAC_ALGORITHM}`);
  requireIntegrity(MacValid === true, `the answer is no error, and says ${MacValid}`);
}
