/**
 * X.509 certificates (RFC 5280) of the root key and of RSA licence keys, signed by the root key in its KMS.
 *
 *   const term = { issuer: 'Example Ltd', validFrom: Date.now(), validUntil: Date.now() + TEN_YEARS_MS };
 *   const rootCertificatePem = await rootCertificate(signer, { publicKeyPem, ...term });
 *   const pem = await keyCertificate(signer, { rootCertificatePem, publicKeyPem: key.pem, kid: key.kid, ...term });
 *
 * The same arguments give the same certificate, octet for octet: an interrupted publication is repeated with the
 * `validFrom` of the first attempt.
 */
import type { Signer } from '../shared/ports/signer.ts';
import { certifier, licenseKey } from './certificates/keys.ts';
import { distinguishedName } from './certificates/names.ts';
import { readRootCertificate } from './certificates/root-certificate.ts';
import { signCertificate } from './certificates/signing.ts';
import { requireWithin, validity } from './certificates/validity.ts';

export { CertificateError } from './certificates/certificate-error.ts';

export interface RootCertificateOptions {
  /** The root key's, PEM (SubjectPublicKeyInfo). */
  readonly publicKeyPem: string;
  /** The organization that the subject names; at most 64 characters of any script. */
  readonly issuer: string;
  /** Milliseconds since the epoch, cut down to the second. May be past, so that a publication can be repeated. */
  readonly validFrom: number;
  /** Milliseconds since the epoch, cut down to the second, which is the last that the certificate is valid in. */
  readonly validUntil: number;
}

export interface KeyCertificateOptions extends RootCertificateOptions {
  /** What `rootCertificate` answered for this root key. */
  readonly rootCertificatePem: string;
  /** The licence key's. */
  readonly publicKeyPem: string;
  /** RFC 7638 thumbprint of `publicKeyPem`; the subject's common name. */
  readonly kid: string;
}

/**
 * RFC 5280 §4.2.1.3: `keyCertSign` and `cRLSign` cover certificates and revocation lists alone. The root key signs the
 * key manifest too, and a client that takes the key from the certificate may verify that only with `digitalSignature`.
 */
const ROOT_EXTENSIONS = [
  { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
  { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true, digitalSignature: true },
  { name: 'subjectKeyIdentifier' },
];

/** No `extKeyUsage`: its registered purposes are TLS, mail, code and time stamps, and a licence is none of them. */
const KEY_EXTENSIONS = [
  { name: 'basicConstraints', critical: true, cA: false },
  { name: 'keyUsage', critical: true, digitalSignature: true },
  { name: 'subjectKeyIdentifier' },
];

/**
 * The root key's certificate, signed by itself; its common name is the root's kid.
 *
 * @returns PEM, RFC 7468 §5.
 * @throws CertificateError, and what `root.sign` throws.
 */
export async function rootCertificate(root: Signer, options: RootCertificateOptions): Promise<string> {
  const authority = certifier(root, options.publicKeyPem);
  const subject = distinguishedName(options.issuer, root.kid);
  const certificate = await signCertificate(authority, {
    publicKey: authority.publicKey,
    subject,
    issuer: subject,
    validity: validity(options.validFrom, options.validUntil, Date.now()),
    extensions: ROOT_EXTENSIONS,
  });
  return certificate.toString();
}

/**
 * The certificate of an RSA licence key. An Ed25519 key gets none, and no certificate outlives that of its root.
 *
 * @returns PEM, RFC 7468 §5: this certificate alone, without the root's.
 * @throws CertificateError, and what `root.sign` throws.
 */
export async function keyCertificate(root: Signer, options: KeyCertificateOptions): Promise<string> {
  const issuer = readRootCertificate(options.rootCertificatePem);
  const authority = certifier(root, issuer.publicKeyPem);
  const publicKey = licenseKey(options.publicKeyPem, options.kid, authority);
  const term = validity(options.validFrom, options.validUntil, Date.now());
  requireWithin(term, issuer.validity);
  const certificate = await signCertificate(authority, {
    publicKey,
    subject: distinguishedName(options.issuer, options.kid),
    issuer: issuer.subject,
    validity: term,
    extensions: [
      ...KEY_EXTENSIONS,
      { name: 'authorityKeyIdentifier', keyIdentifier: issuer.subjectKeyIdentifier },
    ],
  });
  return certificate.toString();
}
