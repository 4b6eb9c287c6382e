/**
 * A certificate whose signature comes from a KMS. Forge signs only with a private key in memory, so it builds what is
 * signed (TBSCertificate), the KMS signs that, and forge puts the two together.
 */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { CertificateError } from './certificate-error.ts';
import type { Certifier } from './keys.ts';
import type { Validity } from './validity.ts';

export interface CertificateContent {
  /** RSA. */
  readonly publicKey: KeyObject;
  readonly subject: forge.asn1.Asn1;
  readonly issuer: forge.asn1.Asn1;
  readonly validity: Validity;
  /** In forge's notation. */
  readonly extensions: readonly Readonly<Record<string, unknown>>[];
}

/** A public function of forge that its types leave out. */
const { getTBSCertificate } = forge.pki as unknown as {
  getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1;
};

/** X.509 v3 has the number 2. */
const VERSION_3 = 2;
const SERIAL_OCTETS = 16;
/** Places in a TBSCertificate: RFC 5280 §4.1. */
const ISSUER_INDEX = 3;
const SUBJECT_INDEX = 5;

/**
 * Returns only what verifies with the root's public key.
 *
 * @throws CertificateError `signature_invalid`, and what the signer throws.
 */
export async function signCertificate(
  root: Certifier,
  content: CertificateContent,
): Promise<X509Certificate> {
  const draft = draftOf(root, content);
  draft.serialNumber = serialNumber(tbsCertificate(draft, content));
  draft.tbsCertificate = tbsCertificate(draft, content);
  const { bytes } = await root.signer.sign(derOf(draft.tbsCertificate));
  draft.signature = Buffer.from(bytes).toString('latin1');
  const certificate = new X509Certificate(derOf(forge.pki.certificateToAsn1(draft)));
  if (!certificate.verify(root.publicKey)) {
    throw new CertificateError(
      'signature_invalid',
      `The KMS answered with a signature that is not one of ${root.signer.kid}; no certificate is issued.`,
    );
  }
  return certificate;
}

function draftOf(root: Certifier, content: CertificateContent): forge.pki.Certificate {
  const draft = forge.pki.createCertificate();
  draft.version = VERSION_3;
  draft.siginfo.algorithmOid = root.signatureOid;
  draft.signatureOid = root.signatureOid;
  draft.publicKey = forge.pki.publicKeyFromPem(
    content.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  );
  draft.validity = { ...content.validity };
  // Copies, because forge completes the objects that it is given.
  draft.setExtensions(content.extensions.map((extension) => ({ ...extension })));
  return draft;
}

/** Names are put in afterwards: forge only takes ones that it encodes itself. */
function tbsCertificate(draft: forge.pki.Certificate, content: CertificateContent): forge.asn1.Asn1 {
  const tbs = getTBSCertificate(draft);
  const fields = tbs.value as forge.asn1.Asn1[];
  fields[ISSUER_INDEX] = content.issuer;
  fields[SUBJECT_INDEX] = content.subject;
  return tbs;
}

/**
 * The first 16 octets of SHA-256 over the TBSCertificate that has no serial number yet, with the top bits set to 01:
 * positive, and always 16 octets in DER. Another content has another number, and the same content the same, so that
 * repeating an interrupted publication issues no second certificate. RFC 5280 §4.1.2.2 asks for a positive number of at
 * most 20 octets, unique for the issuer.
 *
 * @returns hexadecimal
 */
function serialNumber(withoutSerial: forge.asn1.Asn1): string {
  const digest = createHash('sha256').update(derOf(withoutSerial)).digest();
  const serial = digest.subarray(0, SERIAL_OCTETS);
  serial.writeUInt8((serial.readUInt8(0) & 0b0011_1111) | 0b0100_0000, 0);
  return serial.toString('hex');
}

function derOf(value: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(value).getBytes(), 'latin1');
}
