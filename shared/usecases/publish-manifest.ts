/**
 * Publishes the key manifest: the root key signs every registered key with its state and deadline, under the next
 * version. An operator's act; the function that serves it has no root key.
 */
import { ALGORITHMS } from '../algorithms.ts';
import { manifest } from '../formats/manifest.ts';
import { OperatorError } from '../operator-error.ts';
import type { KeyRecord } from '../ports/key-directory.ts';
import type { Ports } from '../ports/ports.ts';
import type { Signer } from '../ports/signer.ts';
import { manifestRecord } from '../records/manifest.ts';
import { MANIFEST_PATH } from '../records/paths.ts';
import { formatInstant } from '../wire/document.ts';
import { type ManifestKey, type ManifestPayload, manifestPayload } from '../wire/manifest.ts';
import { type Act, type Actor, beginRecording } from './audit-chain.ts';
import { readRecord } from './read.ts';
import { retryCommits } from './retry.ts';

export interface Publication {
  readonly root: Signer;
  readonly keys: readonly KeyRecord[];
  readonly issuer: string;
  /** How long clients may rely on it without fetching a newer one. */
  readonly lifetimeSeconds: number;
  /** The act that makes it necessary, recorded in the same commit. */
  readonly event?: { readonly by: Actor; readonly act: Act } | undefined;
}

export interface Published {
  readonly version: number;
  readonly token: string;
}

/**
 * Of two publications at once one gets the next version and the other the one after.
 * @throws OperatorError when clients could not read it, CountersignError `signing_unavailable`, `store_unavailable`
 */
export function publishManifest(
  { store, clock, random }: Pick<Ports, 'store' | 'clock' | 'random'>,
  { root, keys, issuer, lifetimeSeconds, event }: Publication,
): Promise<Published> {
  const recording = event === undefined ? undefined : beginRecording({ clock, random }, event.by);
  return retryCommits({ clock, random }, async () => {
    const [snapshot, ...chain] = await store.get([MANIFEST_PATH, ...(recording?.paths() ?? [])]);
    const last = readRecord(manifestRecord, snapshot);
    if (recording?.hasHappened(chain) && last !== undefined) return last.record;
    const now = clock.now();
    const iat = Math.floor(now / 1000);
    const payload: ManifestPayload = requireReadable({
      iss: issuer,
      iat,
      exp: iat + lifetimeSeconds,
      version: (last?.record.version ?? 0) + 1,
      keys: keys.map(entryOf),
    });
    const signature = await root.sign(manifest.signedBytes(payload, root));
    const token = manifest.encode(payload, signature);
    const { version, exp } = payload;
    const first_published = Object.fromEntries(
      keys.map(({ kid }) => [kid, last?.record.first_published[kid] ?? now]),
    );
    const fields = { version, token, published_at: iat * 1000, expires_at: exp * 1000, first_published };
    const demand = last === undefined ? ('absent' as const) : { version: last.version };
    const events = event === undefined ? [] : await recording?.writes(event.act, chain);
    await store.commit([{ op: 'set', path: MANIFEST_PATH, fields, demand }, ...(events ?? [])]);
    return { version, token };
  });
}

/** Two key versions may hold the same imported key, and then the same kid; clients would refuse the whole manifest. */
function requireReadable(payload: ManifestPayload): ManifestPayload {
  const result = manifestPayload.safeParse(payload);
  if (result.success) return payload;
  throw new OperatorError(
    'Clients could not read this manifest: a key is in the list twice, or there is none.',
    {
      cause: result.error,
    },
  );
}

function entryOf({ kid, algorithm, jwk, state, sunsetAt, issuer }: KeyRecord): ManifestKey {
  const sunset = sunsetAt === undefined ? {} : { sunset_at: formatInstant(sunsetAt) };
  const foreign = issuer === undefined ? {} : { issuer };
  return { ...jwk, kid, alg: ALGORITHMS[algorithm].jose, state, ...sunset, ...foreign };
}
