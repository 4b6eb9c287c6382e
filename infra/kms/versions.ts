/**
 * What an operator may do to key versions where Terraform does not own them: make another version of a key, or disable
 * one. The functions have no permission for either.
 */
import { cloudOf } from '../../shared/keys/registry.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import { createAwsSdkClient } from './aws-client.ts';
import { createSdkClient } from './google-client.ts';

export interface KmsEndpoints {
  /** `host:port` of a local KMS; undefined for Google Cloud. */
  readonly google?: string | undefined;
  /** `http://host:port`; undefined for AWS. */
  readonly aws?: string | undefined;
}

/**
 * Has Google Cloud KMS make another version of a key. AWS has no versions: there a new key is made, and staged by its ARN.
 *
 * @param keyName `projects/…/cryptoKeys/license-rsa`
 * @returns the full resource name of the new version
 * @throws OperatorError
 */
export async function createKeyVersion(keyName: string, { google }: KmsEndpoints): Promise<string> {
  const client = await createSdkClient(google);
  try {
    const [version] = await client.createCryptoKeyVersion({ parent: keyName });
    if (version.name) return version.name;
    throw new Error('the answer names no version');
  } catch (cause) {
    throw new OperatorError(`The KMS made no version of ${keyName}: ${(cause as Error).message}`, { cause });
  } finally {
    await client.close();
  }
}

/**
 * Disables a version (Google Cloud) or a key (AWS), so that its KMS signs with it no more. Google Cloud may take hours to
 * apply that everywhere.
 * @throws OperatorError
 */
export async function disableKeyVersion(name: string, { google, aws }: KmsEndpoints): Promise<void> {
  try {
    await (cloudOf(name) === 'aws' ? disableInAws(name, aws) : disableInGoogle(name, google));
  } catch (cause) {
    throw new OperatorError(`The KMS did not disable ${name}: ${(cause as Error).message}`, { cause });
  }
}

async function disableInGoogle(name: string, endpoint: string | undefined): Promise<void> {
  const client = await createSdkClient(endpoint);
  try {
    const cryptoKeyVersion = { name, state: 'DISABLED' } as const;
    await client.updateCryptoKeyVersion({ cryptoKeyVersion, updateMask: { paths: ['state'] } });
  } finally {
    await client.close();
  }
}

async function disableInAws(name: string, endpoint: string | undefined): Promise<void> {
  const [client, { DisableKeyCommand }] = await Promise.all([
    createAwsSdkClient(endpoint),
    import('@aws-sdk/client-kms'),
  ]);
  try {
    await client.send(new DisableKeyCommand({ KeyId: name }));
  } finally {
    client.destroy();
  }
}
