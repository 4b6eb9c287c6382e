/** Which keys certify, and which are certified. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { AlgorithmName } from '../../shared/algorithms.ts';
import type { PublicJwk } from '../../shared/ports/key-directory.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { jwkFromPem, thumbprint } from '../kms/public-key.ts';
import { CertificateError, type CertificateErrorCode } from './certificate-error.ts';

/** The algorithms that forge can write into a certificate; sha256WithRSAEncryption is that of RFC 4055 §5. */
const SIGNATURE_OIDS: Partial<Record<AlgorithmName, string>> = {
  RSA_SIGN_PKCS1_4096_SHA256: '1.2.840.113549.1.1.11',
};

/** A root key that is fit to sign certificates. */
export interface Certifier {
  readonly signer: Signer;
  readonly publicKey: KeyObject;
  readonly signatureOid: string;
}

interface RsaKey {
  readonly kid: string;
  readonly publicKey: KeyObject;
}

/** @throws CertificateError `root_unsupported`, or `root_mismatch` when the public key is not the signer's. */
export function certifier(signer: Signer, publicKeyPem: string): Certifier {
  const signatureOid = SIGNATURE_OIDS[signer.algorithm];
  if (signatureOid === undefined) {
    const known = Object.keys(SIGNATURE_OIDS).join(', ');
    throw new CertificateError(
      'root_unsupported',
      `A root key for ${signer.algorithm} signs no certificates; take one for ${known}.`,
    );
  }
  const key = rsaKey(
    publicKeyPem,
    'root_mismatch',
    `The root key ${signer.kid} has an RSA public key; give that.`,
  );
  if (key.kid !== signer.kid) {
    throw new CertificateError(
      'root_mismatch',
      `The root key that signs is ${signer.kid}, and the public key that of ${key.kid}; give two of one key.`,
    );
  }
  return { signer, publicKey: key.publicKey, signatureOid };
}

/**
 * The public key of a licence key.
 *
 * @throws CertificateError `key_unsupported` when it is not RSA or is the root's, `kid_mismatch`
 */
export function licenseKey(publicKeyPem: string, kid: string, root: Certifier): KeyObject {
  const key = rsaKey(publicKeyPem, 'key_unsupported', `Only RSA keys get a certificate; leave ${kid} out.`);
  if (key.kid !== kid) {
    throw new CertificateError('kid_mismatch', `The public key is that of ${key.kid}, not of ${kid}.`);
  }
  if (kid === root.signer.kid) {
    throw new CertificateError(
      'key_unsupported',
      'The root key is no licence key; it has its own certificate.',
    );
  }
  return key.publicKey;
}

function rsaKey(pem: string, code: CertificateErrorCode, otherwise: string): RsaKey {
  const jwk = jwkOf(pem, code, otherwise);
  if (jwk.kty !== 'RSA') throw new CertificateError(code, otherwise);
  return { kid: thumbprint(jwk), publicKey: createPublicKey(pem) };
}

function jwkOf(pem: string, code: CertificateErrorCode, otherwise: string): PublicJwk {
  try {
    return jwkFromPem(pem);
  } catch (cause) {
    throw new CertificateError(code, otherwise, { cause });
  }
}
