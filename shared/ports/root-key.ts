import type { Signer } from './signer.ts';

/** Times are milliseconds since the epoch; PEM is text. */
interface CertificateContent {
  readonly publicKeyPem: string;
  /** The organization that vouches for it. */
  readonly issuer: string;
  readonly validFrom: number;
  readonly validUntil: number;
}

/** X.509 certificates that the root key signs in its KMS. */
export interface CertificateAuthority {
  readonly kid: string;
  /** The root's own. */
  rootCertificate(content: CertificateContent): Promise<string>;
  keyCertificate(
    content: CertificateContent & { readonly kid: string; readonly rootCertificatePem: string },
  ): Promise<string>;
}

/** What clients pin: it signs the manifest and the certificates of the keys that sign licences. */
export interface RootKey {
  readonly signer: Signer;
  readonly pem: string;
  /** Undefined for a root whose algorithm X.509 clients do not read. */
  readonly certificates: CertificateAuthority | undefined;
}
