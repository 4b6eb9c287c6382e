/**
 * Publishes the key manifest: the root key signs every registered key with its state and deadline, under the next
 * version. An operator's act; the function that serves it has no root key.
 */
import { ALGORITHMS } from '../algorithms.ts';
import { manifest } from '../formats/manifest.ts';
import type { KeyRecord } from '../ports/key-directory.ts';
import type { Ports } from '../ports/ports.ts';
import type { Signer } from '../ports/signer.ts';
import { manifestRecord } from '../records/manifest.ts';
import { MANIFEST_PATH } from '../records/paths.ts';
import { formatInstant } from '../wire/document.ts';
import type { ManifestKey, ManifestPayload } from '../wire/manifest.ts';
import { readRecord } from './read.ts';
import { retryCommits } from './retry.ts';

export interface Publication {
  readonly root: Signer;
  readonly keys: readonly KeyRecord[];
  readonly issuer: string;
  /** How long clients may rely on it without fetching a newer one. */
  readonly lifetimeSeconds: number;
}

export interface Published {
  readonly version: number;
  readonly token: string;
}

/**
 * Of two publications at once one gets the next version and the other the one after.
 * @throws CountersignError `signing_unavailable`, `store_unavailable`
 */
export function publishManifest(
  { store, clock, random }: Pick<Ports, 'store' | 'clock' | 'random'>,
  { root, keys, issuer, lifetimeSeconds }: Publication,
): Promise<Published> {
  return retryCommits({ clock, random }, async () => {
    const [snapshot] = await store.get([MANIFEST_PATH]);
    const last = readRecord(manifestRecord, snapshot);
    const iat = Math.floor(clock.now() / 1000);
    const payload: ManifestPayload = {
      iss: issuer,
      iat,
      exp: iat + lifetimeSeconds,
      version: (last?.record.version ?? 0) + 1,
      keys: keys.map(entryOf),
    };
    const signature = await root.sign(manifest.signedBytes(payload, root));
    const token = manifest.encode(payload, signature);
    const { version, exp } = payload;
    const fields = { version, token, published_at: iat * 1000, expires_at: exp * 1000 };
    const demand = last === undefined ? ('absent' as const) : { version: last.version };
    await store.commit([{ op: 'set', path: MANIFEST_PATH, fields, demand }]);
    return { version, token };
  });
}

function entryOf({ kid, algorithm, jwk, state, sunsetAt }: KeyRecord): ManifestKey {
  const sunset = sunsetAt === undefined ? {} : { sunset_at: formatInstant(sunsetAt) };
  return { ...jwk, kid, alg: ALGORITHMS[algorithm].jose, state, ...sunset };
}
