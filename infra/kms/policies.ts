/**
 * What follows from a failed call to a KMS: whether to ask again, and what the service's client is told. One
 * row per error; signing or verifying twice does no harm, so asking again is always safe.
 */

import { AwsCallError } from './aws-client.ts';
import { KmsCallError, type KmsStatus } from './google-client.ts';
import { IntegrityError } from './integrity.ts';

interface Policy {
  readonly again: boolean;
  /** What the service's client is told; no resource names. */
  readonly detail: string;
  readonly retryAfterSeconds: number;
}

const UNREACHABLE: Policy = {
  again: true,
  detail: 'The signing service did not answer in time; try again shortly.',
  retryAfterSeconds: 2,
};
/** No time is left to ask again. */
const LATE: Policy = { ...UNREACHABLE, again: false };
const BROKEN_ANSWER: Policy = {
  again: true,
  detail: 'The signing service gave an answer that cannot be trusted; try again shortly.',
  retryAfterSeconds: 5,
};
const REFUSAL = refusal('The signing service refused; the operator has to look at the log.');

/** Only an operator can change it, so asking again is in vain. */
function refusal(detail: string): Policy {
  return { again: false, detail, retryAfterSeconds: 60 };
}

/** By gRPC status; one that is not here is a refusal. */
const GOOGLE: ReadonlyMap<KmsStatus, Policy> = new Map([
  ['UNAVAILABLE', UNREACHABLE],
  // A connection that broke under the call.
  ['INTERNAL', UNREACHABLE],
  ['ABORTED', UNREACHABLE],
  ['DEADLINE_EXCEEDED', LATE],
  // The request's checksum did not match: "perform a limited number of retries" (AsymmetricSignRequest,
  // MacVerifyRequest).
  ['INVALID_ARGUMENT', { ...REFUSAL, again: true }],
  // The quota is per minute; more calls only use more of it.
  [
    'RESOURCE_EXHAUSTED',
    {
      again: false,
      detail: 'The signing service is at its limit; try again in 20 seconds.',
      retryAfterSeconds: 20,
    },
  ],
]);

/**
 * By AWS error name (API reference of Sign, GetPublicKey and VerifyMac), and by the names that `aws-client.ts` gives to what
 * has none. One that is not here is a passing failure with an HTTP status from 500, else a refusal.
 */
const AWS: ReadonlyMap<string, Policy> = new Map([
  ['Unreachable', UNREACHABLE],
  ['TimedOut', LATE],
  ['MalformedAnswer', BROKEN_ANSWER],
  // These three "can be retried", says the API reference.
  ['KMSInternalException', UNREACHABLE],
  ['DependencyTimeoutException', UNREACHABLE],
  ['KeyUnavailableException', UNREACHABLE],
  // The quota is per second, so a pause helps, unlike Google's per minute.
  [
    'ThrottlingException',
    { again: true, detail: 'The signing service is at its limit; try again shortly.', retryAfterSeconds: 5 },
  ],
  // A quota of the account, not a rate: it does not pass by itself.
  [
    'LimitExceededException',
    refusal('The signing service is at a limit of its account; the operator has to raise it.'),
  ],
  [
    'AccessDeniedException',
    refusal('The signing service denied access; the operator has to check its permissions.'),
  ],
  ['DisabledException', refusal('The signing key is disabled; the operator has to enable it.')],
  [
    'KMSInvalidStateException',
    refusal(
      'The signing key is in a state that forbids use, such as pending deletion; the operator has to act.',
    ),
  ],
  [
    'NotFoundException',
    refusal('The signing key does not exist; the operator has to check the configuration.'),
  ],
]);

export function policyFor(error: unknown): Policy {
  if (error instanceof IntegrityError) return BROKEN_ANSWER;
  if (error instanceof KmsCallError) return GOOGLE.get(error.status) ?? REFUSAL;
  if (error instanceof AwsCallError) {
    return AWS.get(error.errorName) ?? ((error.httpStatus ?? 0) >= 500 ? UNREACHABLE : REFUSAL);
  }
  return REFUSAL;
}
