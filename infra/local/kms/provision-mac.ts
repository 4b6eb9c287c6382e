/**
 * Makes sure that a MAC key with a given secret exists in a KMS, importing it like an operator would. For the local
 * stack and for tests; in a cloud the operator imports it.
 */

import { constants, publicEncrypt, randomUUID } from 'node:crypto';
import { createSdkClient } from '../../kms/google-client.ts';
import { macKeyMaterial } from '../../kms/mac-key-material.ts';
import { unlessItExists } from './provision.ts';

type SdkClient = Awaited<ReturnType<typeof createSdkClient>>;

export interface MacKeyToProvision {
  readonly id: string;
  /** Up to 32 bytes, or more than 64. */
  readonly secret: Uint8Array;
}

/**
 * Creates the ring and the key where they are missing, and imports the secret unless the key has a version.
 *
 * @param endpoint `host:port` of a local KMS.
 * @param keyRing full name, e.g. `projects/local/locations/global/keyRings/countersign`.
 * @returns the name of version 1.
 */
export async function provisionMacKey(
  endpoint: string,
  keyRing: string,
  { id, secret }: MacKeyToProvision,
): Promise<string> {
  const client = await createSdkClient(endpoint);
  try {
    const [location = '', keyRingId = ''] = keyRing.split('/keyRings/');
    await unlessItExists(client.createKeyRing({ parent: location, keyRingId }));
    await unlessItExists(createEmptyKey(client, keyRing, id));
    const key = `${keyRing}/cryptoKeys/${id}`;
    const [versions] = await client.listCryptoKeyVersions({ parent: key });
    if (versions.length === 0) await importSecret(client, keyRing, key, secret);
    return `${key}/cryptoKeyVersions/1`;
  } finally {
    await client.close();
  }
}

function createEmptyKey(client: SdkClient, keyRing: string, cryptoKeyId: string): Promise<unknown> {
  return client.createCryptoKey({
    parent: keyRing,
    cryptoKeyId,
    cryptoKey: { purpose: 'MAC', importOnly: true, versionTemplate: { algorithm: 'HMAC_SHA256' } },
    skipInitialVersionCreation: true,
  });
}

async function importSecret(
  client: SdkClient,
  keyRing: string,
  key: string,
  secret: Uint8Array,
): Promise<void> {
  const material = macKeyMaterial(secret);
  const [{ name = '', publicKey }] = await client.createImportJob({
    parent: keyRing,
    // A job can be neither deleted nor used for long: each import has its own.
    importJobId: `import-${randomUUID()}`,
    importJob: { importMethod: 'RSA_OAEP_3072_SHA256', protectionLevel: 'SOFTWARE' },
  });
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  await client.importCryptoKeyVersion({
    parent: key,
    algorithm: 'HMAC_SHA256',
    importJob: name ?? '',
    wrappedKey: publicEncrypt({ key: publicKey?.pem ?? '', ...padding }, material),
  });
}
