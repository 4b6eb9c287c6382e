/**
 * Finds private keys and HMAC secrets in text, by their shape: what a file is called, and what it is for, does not matter.
 *
 * Samples of tests are put together while they run, so that no file holds one.
 */

/** One row a kind. Base64 is found in any alphabet, and DER by how it has to begin. */
const SHAPES: Readonly<Record<string, RegExp>> = {
  // RFC 7468 §10, §11, and the older names of OpenSSL and OpenSSH, with a line of their body.
  pem: /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\\r|\\n|\s)+[A-Za-z0-9+/=:, -]{16,}/,
  // RFC 7518 §6.2.2, §6.3.2 and RFC 8037 §2: 32 bytes or more in base64url.
  jwk: /\\?["']d\\?["']\s*:\s*\\?["'][A-Za-z0-9_-]{42,}\\?["']/,
  // RFC 7518 §6.4: the `k` of a symmetric key.
  symmetricJwk: /\\?["']k\\?["']\s*:\s*\\?["'][A-Za-z0-9_-]{22,}\\?["']/,
  // RFC 8410 §7: version 0 or 1, id-Ed25519, an octet string in an octet string.
  ed25519Pkcs8: /M(?:C4CAQA|FECAQE)wBQYDK2VwBCIEI[A-Za-z0-9+/_-]{42}/,
  // RFC 5958: SEQUENCE of more than 255 bytes, version 0, rsaEncryption.
  rsaPkcs8: /MII[A-Za-z0-9+/_-]{3}IBADANBgkqhkiG9w0BAQEFAASC[A-Za-z0-9+/_-]{64}/,
  // RFC 8017 A.1.2: SEQUENCE, version 0, a modulus of 2048 or 4096 bits.
  rsaPkcs1: /MII[A-Za-z0-9+/_-]{3}IBAAKCA[A-Za-z0-9+/_-]{64}/,
  // RFC 5958 and RFC 5480: version 0, id-ecPublicKey.
  ecPkcs8: /MI[GH][A-Za-z0-9+/_-]AgEAMB[A-Z]GByqGSM49AgEG[A-Za-z0-9+/_-]{64}/,
  // A long random value that is given to something called a MAC's, signing or HMAC secret.
  hmac: /(?:hmac|mac|signing|jwt)[_-]?(?:secret|key)["']?\s*[:=]\s*["']?(?:[0-9a-f]{64,}|[A-Za-z0-9+/_-]{43,}={0,2})(?![A-Za-z0-9+/_=-])/i,
};

export type SecretKind = keyof typeof SHAPES;

/** The kinds of secrets that a text holds. */
export function secretsIn(text: string): SecretKind[] {
  return Object.entries(SHAPES).flatMap(([kind, shape]) => (shape.test(text) ? [kind] : []));
}
