/**
 * An operator's change of the list of keys: decided on the list, published in the manifest, written to the list that
 * instances read.
 *
 * The manifest comes first, so that no key signs before clients can know it. After a compromise the list comes first:
 * instances stop at once, whatever the store and the root key's KMS do. A change that was interrupted between the two is
 * completed by giving the same command again.
 */
import { MIN_STAGED_SECONDS } from '../constants.ts';
import { decideKeyChange, type KeyChange, type KeyCommand } from '../decide/key-change.ts';
import { type RegisteredKey, registryProblems } from '../keys/registry.ts';
import { OperatorError } from '../operator-error.ts';
import type { Value } from '../ports/document-store.ts';
import type { KeyRecord } from '../ports/key-directory.ts';
import type { KeyList } from '../ports/key-list.ts';
import type { Ports } from '../ports/ports.ts';
import type { RootKey } from '../ports/root-key.ts';
import { type ManifestRecord, manifestRecord } from '../records/manifest.ts';
import { MANIFEST_PATH } from '../records/paths.ts';
import { formatInstant } from '../wire/document.ts';
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

export interface PlannedChange {
  readonly changes: readonly KeyChange[];
  /** Does it. */
  carryOut(): Promise<Published>;
}

/**
 * What the command will change, or undefined when the list is that way already.
 * @param isUrgent activates a key that was not published long enough for every cache to have it.
 * @throws OperatorError, CountersignError `store_unavailable`
 */
export async function planKeyChange(
  publisher: Publisher,
  command: KeyCommand,
  { isUrgent = false } = {},
): Promise<PlannedChange | undefined> {
  const { ports, list } = publisher;
  const now = ports.clock.now();
  const keys = await list.read();
  const decision = decideKeyChange(keys, command, now);
  if (decision.kind === 'refuse') throw new OperatorError(decision.detail);
  if (decision.kind === 'unchanged') return undefined;
  requireSound(decision.keys);
  if (command.action === 'activate' && !isUrgent) await requireStaged(publisher, command.kid, now);
  return {
    changes: decision.changes,
    carryOut: () => carryOut(publisher, command, keys, decision),
  };
}

/**
 * Publishes what the list says now: the manifest under its next version, and certificates that are due.
 * @param command the change that was interrupted before it was published
 */
export async function publishKeys(publisher: Publisher, command?: KeyCommand): Promise<Published> {
  const keys = await publisher.list.read();
  const act =
    command === undefined
      ? { action: 'keys.publish', target: 'manifest' }
      : { action: `keys.${command.action}`, target: targetOf(command) };
  return publish(publisher, keys, { ...act, before: null, after: null });
}

/** The manifest that was published last. */
export async function readManifest({ store }: Pick<Ports, 'store'>): Promise<ManifestRecord | undefined> {
  const [snapshot] = await store.get([MANIFEST_PATH]);
  return readRecord(manifestRecord, snapshot)?.record;
}

async function carryOut(
  publisher: Publisher,
  command: KeyCommand,
  before: readonly RegisteredKey[],
  { keys, changes }: { readonly keys: readonly RegisteredKey[]; readonly changes: readonly KeyChange[] },
): Promise<Published> {
  const { list } = publisher;
  const event = eventOf(command, changes);
  if (!(await says(list, before))) throw new OperatorError(CHANGED_MEANWHILE);
  if (command.action === 'compromise') {
    await list.write(keys);
    const published = await completing(LISTED_ONLY, publish(publisher, keys, event));
    return (await says(list, keys)) ? published : publishKeys(publisher);
  }
  const published = await publish(publisher, keys, event);
  if (!(await says(list, before))) {
    // The other one may have been a compromise, which this manifest does not have.
    await publishKeys(publisher);
    throw new OperatorError(CHANGED_MEANWHILE);
  }
  await completing(publishedOnly(published), list.write(keys));
  return published;
}

const CHANGED_MEANWHILE = 'Somebody else has changed the list of keys meanwhile. Give the command again.';
const LISTED_ONLY =
  'Instances refuse the key from now on, but the manifest does not say so yet. Give the command again.';
const publishedOnly = ({ version }: Published) =>
  `The change is published as version ${version}, but not in the list of keys. Give the command again.`;

/** Says how far the change has come when its second half fails. */
async function completing<T>(done: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new OperatorError(done, { cause });
  }
}

/** Whether the list has these keys. What pins them may be missing while a KMS is out of reach. */
async function says(list: KeyList, keys: readonly RegisteredKey[]): Promise<boolean> {
  const textOf = (rows: readonly RegisteredKey[]) =>
    JSON.stringify(
      rows.map((row) => Object.entries({ ...row, fingerprint: '', pem: '', sunsetAt: row.sunsetAt }).sort()),
    );
  return textOf(await list.read()) === textOf(keys);
}

function targetOf(command: KeyCommand): string {
  return command.action === 'stage' ? command.key.fingerprint : command.kid;
}

function eventOf(command: KeyCommand, changes: readonly KeyChange[]) {
  return {
    action: `keys.${command.action}`,
    target: targetOf(command),
    before: changes.map(({ kid, from }): Value => ({ kid, state: from })),
    after: changes.map(
      ({ kid, to, sunsetAt }): Value => ({
        kid,
        state: to,
        ...(sunsetAt !== undefined && { sunset_at: formatInstant(sunsetAt) }),
      }),
    ),
  };
}

async function publish(
  { ports, root, records, issuer, lifetimeSeconds, actor }: Publisher,
  keys: readonly RegisteredKey[],
  act: Act,
): Promise<Published> {
  const { signer, pem, certificates } = await root(keys);
  const published = await records(keys);
  const manifest = await publishManifest(ports, {
    root: signer,
    keys: published,
    issuer,
    lifetimeSeconds,
    event: { by: { actor, source: null, requestId: null }, act },
  });
  if (certificates !== undefined)
    await publishCertificates(ports, { root: certificates, rootPem: pem, keys: published, issuer });
  return manifest;
}

function requireSound(keys: readonly RegisteredKey[]): void {
  const problems = registryProblems(keys);
  if (problems.length > 0) throw new OperatorError(`${problems.join('. ')}.`);
}

/** A verifier that has not seen the key yet would refuse its first documents. */
async function requireStaged({ ports }: Publisher, kid: string, now: number): Promise<void> {
  const since = (await readManifest(ports))?.first_published[kid];
  if (since === undefined)
    throw new OperatorError(
      'This key is not in the published manifest yet. Publish it first: countersign keys publish',
    );
  const waitSeconds = Math.ceil((since + MIN_STAGED_SECONDS * 1000 - now) / 1000);
  if (waitSeconds > 0)
    throw new OperatorError(
      `This key was published ${MIN_STAGED_SECONDS - waitSeconds} s ago, and caches may not have it. Wait ${waitSeconds} s, or give --urgent.`,
    );
}
