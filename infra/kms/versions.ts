/**
 * What an operator may do to key versions where Terraform does not own them: make another version of a key, or disable
 * one. The functions have no permission for either.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { cloudOf } from '../../shared/keys/registry.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import { regionOf } from './aws-arn.ts';
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
    const [{ name, state }] = await client.createCryptoKeyVersion({ parent: keyName });
    if (!name) throw new Error('the answer names no version');
    await generated(client, name, state);
    return name;
  } catch (cause) {
    throw new OperatorError(`The KMS made no version of ${keyName}: ${(cause as Error).message}`, { cause });
  } finally {
    await client.close();
  }
}

/** Generation takes the real KMS seconds; before its end the version shows no public key. */
const GENERATION_LIMIT_MS = 60_000;
const GENERATION_PAUSE_MS = 500;

type Client = Awaited<ReturnType<typeof createSdkClient>>;

async function generated(client: Client, name: string, first: unknown): Promise<void> {
  const until = Date.now() + GENERATION_LIMIT_MS;
  for (let state = first; state !== 'ENABLED'; [{ state }] = await client.getCryptoKeyVersion({ name })) {
    if (state !== 'PENDING_GENERATION' || Date.now() > until) throw new Error(`${name} is ${state}`);
    await pause(GENERATION_PAUSE_MS);
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
    createAwsSdkClient(endpoint, regionOf(name)),
    import('@aws-sdk/client-kms'),
  ]);
  try {
    await client.send(new DisableKeyCommand({ KeyId: name }));
  } finally {
    client.destroy();
  }
}
