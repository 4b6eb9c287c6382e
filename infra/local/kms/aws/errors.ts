/**
 * Errors as AWS answers them: an HTTP status, and in the body `__type` and `message`.
 */

import { StatusError, type StatusName } from '../status.ts';

/** HTTP status by error name (API reference, "Common Errors" and each action's "Errors"). */
const HTTP_STATUS = {
  AccessDeniedException: 400,
  AlreadyExistsException: 400,
  DisabledException: 400,
  ExpiredImportTokenException: 400,
  IncorrectKeyMaterialException: 400,
  InvalidAliasNameException: 400,
  InvalidCiphertextException: 400,
  InvalidImportTokenException: 400,
  InvalidKeyUsageException: 400,
  KMSInternalException: 500,
  KMSInvalidMacException: 400,
  KMSInvalidSignatureException: 400,
  KMSInvalidStateException: 400,
  MissingAuthenticationTokenException: 400,
  NotFoundException: 400,
  SerializationException: 400,
  ThrottlingException: 400,
  UnknownOperationException: 400,
  UnsupportedOperationException: 400,
  ValidationException: 400,
} as const;

export type AwsErrorName = keyof typeof HTTP_STATUS;

/** An answer other than success. */
export class AwsError extends Error {
  readonly type: AwsErrorName;
  readonly httpStatus: number;

  constructor(type: AwsErrorName, message: string) {
    super(message);
    this.name = 'AwsError';
    this.type = type;
    this.httpStatus = HTTP_STATUS[type];
  }
}

/** What the faults of `faults.ts`, which speak gRPC's language, are called here. */
const FAULTS: Partial<Record<StatusName, [AwsErrorName, string]>> = {
  UNAVAILABLE: ['KMSInternalException', 'The request was rejected because an internal exception occurred.'],
  RESOURCE_EXHAUSTED: ['ThrottlingException', 'You have exceeded the rate at which you may call KMS.'],
  PERMISSION_DENIED: [
    'AccessDeniedException',
    'User is not authorized to perform this action on the resource.',
  ],
};

/** Whatever was thrown, as an AWS error; what nobody meant to throw is printed. */
export function awsErrorOf(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  const fault = error instanceof StatusError ? FAULTS[error.status] : undefined;
  if (fault !== undefined) return new AwsError(...fault);
  console.error(error);
  return new AwsError(
    'KMSInternalException',
    'The request was rejected because an internal exception occurred.',
  );
}
