/** What a root certificate decides about those below it. */
import { X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { CertificateError } from './certificate-error.ts';
import type { Validity } from './validity.ts';

export interface RootCertificate {
  readonly publicKeyPem: string;
  /** As it stands in the certificate, whichever string types it has. */
  readonly subject: forge.asn1.Asn1;
  /** A binary string, one character an octet. */
  readonly subjectKeyIdentifier: string;
  readonly validity: Validity;
}

/** TBSCertificate.subject after version, serial number, signature, issuer and validity: RFC 5280 §4.1. */
const SUBJECT_INDEX = 5;

/** @throws CertificateError `root_mismatch` when it is no certificate of a CA with an RSA key. */
export function readRootCertificate(pem: string): RootCertificate {
  const { certificate, parsed } = parse(pem);
  // Forge decodes no UTF-8 when it reads names, and encodes it when it writes them (digitalbazaar/forge#847): a name
  // that went through `setIssuer` is another one, and the chain breaks. So the subject is taken undecoded.
  const subject = (parsed.tbsCertificate.value as forge.asn1.Asn1[])[SUBJECT_INDEX];
  const identifier = subjectKeyIdentifier(parsed);
  if (!certificate.ca || subject === undefined || identifier === undefined) refuse();
  return {
    publicKeyPem: certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    subject,
    subjectKeyIdentifier: identifier,
    validity: { notBefore: certificate.validFromDate, notAfter: certificate.validToDate },
  };
}

function parse(pem: string) {
  try {
    return { certificate: new X509Certificate(pem), parsed: forge.pki.certificateFromPem(pem) };
  } catch (cause) {
    return refuse({ cause });
  }
}

function subjectKeyIdentifier(certificate: forge.pki.Certificate): string | undefined {
  const extension = certificate.getExtension({ name: 'subjectKeyIdentifier' }) as
    | { readonly subjectKeyIdentifier: string }
    | null
    | undefined;
  return extension ? forge.util.hexToBytes(extension.subjectKeyIdentifier) : undefined;
}

function refuse(options?: { readonly cause: unknown }): never {
  throw new CertificateError(
    'root_mismatch',
    'The root certificate is no CA certificate of an RSA key; give the one that was issued for the root key.',
    options,
  );
}
