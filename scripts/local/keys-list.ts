/** The local stack's list of keys: made at the first start, and the operator's to change from then on. */
import { existsSync } from 'node:fs';
import { openKeysFile } from '../../infra/keys-file.ts';
import { createKmsClient, googlePublicKey } from '../../infra/kms/google.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { pinOf } from '../cli/keys/pinned-list.ts';

const RING = 'projects/local/locations/global/keyRings/countersign';
/** Another ring: who may sign documents must not be able to name the keys that verify them. */
const ROOT_RING = 'projects/local/locations/global/keyRings/countersign-root';

const LICENSE_KEYS = [
  { id: 'license-rsa', algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' },
  { id: 'license-ed25519', algorithm: 'EC_SIGN_ED25519' },
] as const;
const ROOT_KEY = { id: 'root-rsa', algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' } as const;

/**
 * With the public key of each, as an operator's commands write it.
 * @param endpoint `host:port` of the local KMS
 */
export async function createKeysList(path: string, endpoint: string): Promise<void> {
  if (existsSync(path)) return;
  const [names, [rootName = '']] = await Promise.all([
    provisionKeys(endpoint, RING, LICENSE_KEYS),
    provisionKeys(endpoint, ROOT_RING, [ROOT_KEY]),
  ]);
  const licenses = LICENSE_KEYS.map(({ algorithm }, i) => row(names[i] ?? '', algorithm, 'license'));
  const rows = [...licenses, row(rootName, ROOT_KEY.algorithm, 'root')];
  const client = createKmsClient({ endpoint });
  try {
    const pinned = rows.map(async (key) => ({
      ...key,
      ...pinOf(key.name, await googlePublicKey(client, key.name)),
    }));
    await openKeysFile(path).write(await Promise.all(pinned));
  } finally {
    await client.close();
  }
}

function row(name: string, algorithm: SigningKey['algorithm'], use: SigningKey['use']): SigningKey {
  return { name, algorithm, use, state: 'active' };
}
