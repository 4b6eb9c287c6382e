/** Why a document is not accepted, in one table. Part of the API: `validate` answers with these codes. */
export const VERIFICATION_CODES = {
  malformed_document: 'This is not a licence document in a known format.',
  document_unsigned: 'The document is not signed. Acquire the licence again.',
  unsupported_header: 'The document header asks for something that is not accepted.',
  unknown_key: 'The document names a key that is not registered.',
  key_retired: 'The key of the document is retired. Get a new document of the licence.',
  key_compromised: 'The key of the document is compromised. Get a new document of the licence.',
  issuer_mismatch: 'The key of the document vouches for none of this kind and issuer.',
  algorithm_mismatch: 'The document names an algorithm that does not fit its key.',
  signature_invalid: 'The signature does not fit the document.',
  legacy_sunset: 'CAIO-v1 licences are not accepted any more. Ask the vendor for a new one.',
  document_not_yet_valid: 'The document was signed in the future. Check the clock.',
  document_expired: 'The document has expired. Acquire the licence again.',
  license_expired: 'This licence has expired. Renew it with the vendor.',
  product_mismatch: 'The licence is for another product.',
  version_mismatch: 'The licence does not cover this version of the product.',
  hardware_mismatch: 'The document belongs to another machine.',
  holder_mismatch: 'The licence is in another name or e-mail address.',
  feature_missing: 'The licence lacks a feature.',
  nonce_mismatch: 'The document answers another request.',
} as const;

export type VerificationCode = keyof typeof VERIFICATION_CODES;
