/** The root key of a list of keys, in whatever cloud it is. */
import { isSigningKey, type RegisteredKey, type SigningKey } from '../shared/keys/registry.ts';
import { OperatorError } from '../shared/operator-error.ts';
import type { CertificateAuthority, RootKey } from '../shared/ports/root-key.ts';
import type { Signer } from '../shared/ports/signer.ts';
import { keyCertificate, rootCertificate } from './certificates.ts';
import { type KmsAccess, kmsKey } from './kms/registered-keys.ts';

/** @throws OperatorError when the list has no active root, CountersignError `signing_unavailable` */
export async function openRootKey(keys: readonly RegisteredKey[], access: KmsAccess): Promise<RootKey> {
  const row = keys.find(isActiveRoot);
  if (row === undefined)
    throw new OperatorError(
      'The list of keys has no active key with "use": "root", so nothing can be published.',
    );
  const key = kmsKey(row, access);
  const [signer, record] = await Promise.all([key.signer(), key.record()]);
  const { pem = '' } = record;
  return { signer, pem, certificates: row.algorithm === X509_ALGORITHM ? authorityOf(signer) : undefined };
}

/** What X.509 clients everywhere read. */
const X509_ALGORITHM = 'RSA_SIGN_PKCS1_4096_SHA256';

function isActiveRoot(key: RegisteredKey): key is SigningKey {
  return isSigningKey(key) && key.use === 'root' && key.state === 'active';
}

function authorityOf(root: Signer): CertificateAuthority {
  return {
    kid: root.kid,
    rootCertificate: (content) => rootCertificate(root, content),
    keyCertificate: (content) => keyCertificate(root, content),
  };
}
