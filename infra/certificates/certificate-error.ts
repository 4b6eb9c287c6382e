import { OperatorError } from '../../shared/operator-error.ts';

export type CertificateErrorCode =
  /** The root signer has no algorithm that certificates are signed with. */
  | 'root_unsupported'
  /** The root's signer, public key and certificate do not belong together, or the certificate is no CA's. */
  | 'root_mismatch'
  /** The licence key cannot have a certificate. */
  | 'key_unsupported'
  /** The licence key is not that of the kid. */
  | 'kid_mismatch'
  | 'name_invalid'
  | 'validity_invalid'
  /** The KMS answered with something else than the root key's signature of this certificate. */
  | 'signature_invalid';

/** No certificate is issued; the message says why, and what to do. */
export class CertificateError extends OperatorError {
  readonly code: CertificateErrorCode;

  constructor(code: CertificateErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CertificateError';
    this.code = code;
  }
}
