/**
 * Verifying HMAC-SHA-256 tags with Google Cloud KMS.
 *
 *   const client = createKmsClient({});
 *   const verifier = googleMacVerifier(client, { versionName });
 *   const isGenuine = await verifier.verify(message, mac);
 *
 * Every answer is checked as https://cloud.google.com/kms/docs/data-integrity-guidelines asks.
 */

import type { MacVerifier } from '../../shared/ports/mac-verifier.ts';
import { crc32c } from './crc32c.ts';
import type { KmsClient, MacVerifyResponse } from './google-client.ts';
import { canBeTagged, requireIntegrity } from './integrity.ts';
import { type RetryLimits, withRetries } from './retries.ts';

export interface GoogleMacVerifierOptions extends RetryLimits {
  /** Full resource name of the key version. */
  readonly versionName: string;
}

/**
 * https://cloud.google.com/kms/docs/create-validate-mac-signatures. A key in an HSM takes 16 KiB: a longer message is
 * refused there, hence `signing_unavailable`.
 */
const MAX_MESSAGE_BYTES = 64 * 1024;

export function googleMacVerifier(client: KmsClient, options: GoogleMacVerifierOptions): MacVerifier {
  const { versionName } = options;
  return {
    async verify(message, mac) {
      if (!canBeTagged(message, mac, MAX_MESSAGE_BYTES)) return false;
      const request = {
        name: versionName,
        data: message,
        dataCrc32c: { value: crc32c(message) },
        mac,
        macCrc32c: { value: crc32c(mac) },
      };
      return withRetries(options, async (deadlineAt) => {
        const answer = await client.macVerify(request, deadlineAt);
        requireGenuine(answer, versionName);
        return answer.success;
      });
    },
  };
}

function requireGenuine(answer: MacVerifyResponse, versionName: string): void {
  const { name, success, verifiedSuccessIntegrity } = answer;
  requireIntegrity(answer.verifiedDataCrc32c, 'the KMS did not confirm the checksum of the message');
  requireIntegrity(answer.verifiedMacCrc32c, 'the KMS did not confirm the checksum of the MAC');
  requireIntegrity(name === versionName, `the answer names ${name}, not ${versionName}`);
  requireIntegrity(
    success === verifiedSuccessIntegrity,
    `the answer says ${success} and confirms ${verifiedSuccessIntegrity}`,
  );
}
