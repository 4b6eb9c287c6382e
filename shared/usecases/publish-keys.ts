/**
 * Publishes a list of keys: the manifest under its next version, and certificates that are due.
 *
 * Clients refuse everything without a manifest in force, so the manifest comes first wherever the list says the same
 * already. Only where the list is written afterwards are the certificates made before: one that cannot be made must not
 * leave a manifest that says what the list does not.
 */
import type { KeyCommand } from '../decide/key-change.ts';
import { type PublicationChange, type PublishedKey, publicationChanges } from '../decide/publication.ts';
import { manifest } from '../formats/manifest.ts';
import type { RegisteredKey } from '../keys/registry.ts';
import { OperatorError } from '../operator-error.ts';
import type { Value } from '../ports/document-store.ts';
import type { KeyRecord } from '../ports/key-directory.ts';
import type { KeyList } from '../ports/key-list.ts';
import type { Ports } from '../ports/ports.ts';
import type { RootKey } from '../ports/root-key.ts';
import { type ManifestRecord, manifestRecord } from '../records/manifest.ts';
import { MANIFEST_PATH } from '../records/paths.ts';
import { formatInstant } from '../wire/document.ts';
import { manifestPayload } from '../wire/manifest.ts';
import type { Act } from './audit-chain.ts';
import { publishCertificates } from './publish-certificates.ts';
import { type Published, publishManifest } from './publish-manifest.ts';
import { readRecord } from './read.ts';

export interface Publisher {
  readonly ports: Pick<Ports, 'store' | 'clock' | 'random'>;
  readonly list: KeyList;
  /** The root that the list makes active. Rejects when it cannot be reached. */
  readonly root: (keys: readonly RegisteredKey[]) => Promise<RootKey>;
  /** The licence keys of a list, as they are published. */
  readonly records: (keys: readonly RegisteredKey[]) => Promise<readonly KeyRecord[]>;
  readonly issuer: string;
  readonly lifetimeSeconds: number;
  readonly actor: string;
}

export interface PlannedPublication {
  /** What clients learn; nothing when the manifest is only renewed. */
  readonly changes: readonly PublicationChange[];
  /** Does it. */
  carryOut(): Promise<Published>;
}

/**
 * What publishing the list, as it is now, changes for clients.
 * @param command the change that was interrupted before it was published
 * @throws OperatorError, CountersignError `store_unavailable`
 */
export async function planPublication(
  publisher: Publisher,
  command?: KeyCommand,
): Promise<PlannedPublication> {
  const { list, ports } = publisher;
  const [keys, record] = await Promise.all([list.read(), readManifest(ports)]);
  const changes = publicationChanges(keys, publishedKeys(record));
  const act =
    command === undefined
      ? { action: 'keys.publish', target: 'manifest' }
      : { action: `keys.${command.action}`, target: targetOf(command) };
  return {
    changes,
    async carryOut() {
      await requireStill(list, keys);
      const publication = await openPublication(publisher, keys, { ...act, ...beforeAndAfter(changes) });
      const published = await publication.manifest();
      // The other one may be a compromise, which this manifest does not have.
      if (!(await isStill(list, keys))) return publishKeys(publisher);
      await certify(publication, published);
      return published;
    },
  };
}

/** Publishes what the list says now. */
export async function publishKeys(publisher: Publisher, command?: KeyCommand): Promise<Published> {
  return (await planPublication(publisher, command)).carryOut();
}

interface Publication {
  manifest(): Promise<Published>;
  /** Those that are due. */
  certificates(): Promise<void>;
}

/** Reads what both need, so that a key that is out of reach stops it before anything is signed. */
export async function openPublication(
  { ports, root, records, issuer, lifetimeSeconds, actor }: Publisher,
  list: readonly RegisteredKey[],
  act: Act,
): Promise<Publication> {
  const { signer, pem, certificates } = await root(list);
  const keys = await records(list);
  const event = { by: { actor, source: null, requestId: null }, act };
  return {
    manifest: () => publishManifest(ports, { root: signer, keys, issuer, lifetimeSeconds, event }),
    async certificates() {
      if (certificates !== undefined)
        await publishCertificates(ports, { root: certificates, rootPem: pem, keys, issuer });
    },
  };
}

/** After the manifest. */
export async function certify(publication: Publication, { version }: Published): Promise<void> {
  await completing(
    `Version ${version} of the manifest is published, but a certificate that is due could not be made. Try again: countersign keys publish`,
    publication.certificates(),
  );
}

/** The manifest that was published last. */
export async function readManifest({ store }: Pick<Ports, 'store'>): Promise<ManifestRecord | undefined> {
  const [snapshot] = await store.get([MANIFEST_PATH]);
  return readRecord(manifestRecord, snapshot)?.record;
}

/** What it says. */
export function publishedKeys(record: ManifestRecord | undefined): PublishedKey[] {
  if (record === undefined) return [];
  const { keys } = manifestPayload.parse(manifest.decode(record.token).payload);
  return keys.map(({ kid, state, sunset_at }) => ({
    kid,
    state,
    ...(sunset_at !== undefined && { sunsetAt: Date.parse(sunset_at) }),
  }));
}

export function targetOf(command: KeyCommand): string {
  return command.action === 'stage' ? command.key.fingerprint : command.kid;
}

/** As the audit trail has them; null where nothing changes. */
export function beforeAndAfter(
  changes: readonly (PublicationChange & { readonly documents?: number | undefined })[],
): Pick<Act, 'before' | 'after'> {
  if (changes.length === 0) return { before: null, after: null };
  return {
    before: changes.map(({ kid, from }): Value => ({ kid, state: from })),
    after: changes.map(
      ({ kid, to, sunsetAt, documents }): Value => ({
        kid,
        state: to,
        ...(sunsetAt !== undefined && { sunset_at: formatInstant(sunsetAt) }),
        ...(documents !== undefined && { documents }),
      }),
    ),
  };
}

/** Says how far it has come when the next step fails. */
export async function completing<T>(done: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new OperatorError(done, { cause });
  }
}

export const CHANGED_MEANWHILE =
  'Somebody else has changed the list of keys meanwhile. Give the command again.';

/** @throws OperatorError unless the list has these keys still */
export async function requireStill(list: KeyList, keys: readonly RegisteredKey[]): Promise<void> {
  if (!(await isStill(list, keys))) throw new OperatorError(CHANGED_MEANWHILE);
}

/** Whether the list has these keys. What pins them may be missing while a KMS is out of reach. */
export async function isStill(list: KeyList, keys: readonly RegisteredKey[]): Promise<boolean> {
  const textOf = (rows: readonly RegisteredKey[]) =>
    JSON.stringify(
      rows.map((row) => Object.entries({ ...row, fingerprint: '', pem: '', sunsetAt: row.sunsetAt }).sort()),
    );
  return textOf(await list.read()) === textOf(keys);
}
