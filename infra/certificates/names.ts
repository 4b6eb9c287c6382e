/** Distinguished names: an organization and a kid. */
import forge from 'node-forge';
import { CertificateError } from './certificate-error.ts';

/** Attribute types: X.520 §6.4.1 and §6.2.2. */
const ORGANIZATION_NAME = '2.5.4.10';
const COMMON_NAME = '2.5.4.3';
/** RFC 5280 appendix A.1, ub-organization-name, in characters. */
const ORGANIZATION_CHARACTERS = 64;

/**
 * `O=organization, CN=kid`, both as UTF8String. A PrintableString, which is what forge writes otherwise, has no `_`, and
 * a kid may have.
 *
 * @throws CertificateError `name_invalid`
 */
export function distinguishedName(organization: string, kid: string): forge.asn1.Asn1 {
  requireOrganization(organization);
  return forge.pki.distinguishedNameToAsn1({
    attributes: [attribute(ORGANIZATION_NAME, organization), attribute(COMMON_NAME, kid)],
  });
}

function attribute(type: string, value: string): forge.pki.CertificateField {
  // Its types call the tag a class; it reads a tag.
  const valueTagClass: number = forge.asn1.Type.UTF8;
  return { type, value, valueTagClass };
}

function requireOrganization(name: string): void {
  // A control character can end the name, or begin another one, for whoever shows or logs it.
  if (name.trim() === '' || !name.isWellFormed() || /\p{Cc}/u.test(name)) {
    throw new CertificateError(
      'name_invalid',
      'The issuer must be a name of well-formed Unicode without control characters.',
    );
  }
  if ([...name].length > ORGANIZATION_CHARACTERS) {
    throw new CertificateError(
      'name_invalid',
      `The issuer has more than ${ORGANIZATION_CHARACTERS} characters; shorten it.`,
    );
  }
}
