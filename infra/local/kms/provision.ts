/**
 * Makes sure that keys exist in a KMS, asking the KMS itself like an operator would. For the local stack and
 * for tests; in a cloud Terraform owns the keys.
 */

import type { AlgorithmName } from '../../../shared/algorithms.ts';
import { createSdkClient } from '../../kms/google-client.ts';

const ALREADY_EXISTS = 6;

export interface KeyToProvision {
  readonly id: string;
  readonly algorithm: AlgorithmName;
}

/**
 * Creates the ring and the keys that are missing; what exists stays as it is.
 *
 * @param endpoint `host:port` of a local KMS.
 * @param keyRing full name, e.g. `projects/local/locations/global/keyRings/countersign`.
 * @returns the name of version 1 of each key, in order.
 */
export async function provisionKeys(
  endpoint: string,
  keyRing: string,
  keys: readonly KeyToProvision[],
): Promise<string[]> {
  const client = await createSdkClient(endpoint);
  try {
    const [parent, keyRingId] = keyRing.split('/keyRings/');
    await unlessItExists(client.createKeyRing({ parent: parent ?? '', keyRingId: keyRingId ?? '' }));
    await Promise.all(
      keys.map(({ id, algorithm }) =>
        unlessItExists(
          client.createCryptoKey({
            parent: keyRing,
            cryptoKeyId: id,
            cryptoKey: { purpose: 'ASYMMETRIC_SIGN', versionTemplate: { algorithm } },
          }),
        ),
      ),
    );
    return keys.map(({ id }) => `${keyRing}/cryptoKeys/${id}/cryptoKeyVersions/1`);
  } finally {
    await client.close();
  }
}

/** Takes the failure that says that it is there already for success. */
export async function unlessItExists(creation: Promise<unknown>): Promise<void> {
  try {
    await creation;
  } catch (error) {
    if ((error as { code?: number }).code !== ALREADY_EXISTS) throw error;
  }
}
