/**
 * An operator's change of the list of keys: decided on the list, published in the manifest, written to the list that
 * instances read.
 *
 * The manifest comes first, so that no key signs before clients can know it. After a compromise the list comes first:
 * instances stop at once, whatever the store and the root key's KMS do. A change that was interrupted between the two is
 * completed by giving the same command again.
 */
import { MIN_STAGED_SECONDS } from '../constants.ts';
import { decideKeyChange, type KeyChange, type KeyCommand, kidOf } from '../decide/key-change.ts';
import { isPublished } from '../decide/publication.ts';
import { isSigningKey, type RegisteredKey, registryProblems } from '../keys/registry.ts';
import { OperatorError } from '../operator-error.ts';
import type { Act } from './audit-chain.ts';
import {
  beforeAndAfter,
  CHANGED_MEANWHILE,
  certify,
  completing,
  isStill,
  openPublication,
  type Publisher,
  publishKeys,
  readManifest,
  requireStill,
  targetOf,
} from './publish-keys.ts';
import type { Published } from './publish-manifest.ts';
import { countDocuments } from './reissue.ts';

export interface PlannedKeyChange extends KeyChange {
  /** How many documents on record end with the key, where it is made to end: at `sunsetAt`, or at once. */
  readonly documents?: number | undefined;
  /** When they would have ended, in milliseconds since the epoch. */
  readonly endedAt?: number | undefined;
}

export interface PlannedChange {
  readonly changes: readonly PlannedKeyChange[];
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
  if (command.action === 'activate' && !isUrgent && isLicenseKey(keys, command.kid))
    await requireStaged(publisher, command.kid, now);
  const changes = await withDocuments(publisher, keys, decision.changes);
  return { changes, carryOut: () => carryOut(publisher, command, keys, { keys: decision.keys, changes }) };
}

async function carryOut(
  publisher: Publisher,
  command: KeyCommand,
  before: readonly RegisteredKey[],
  after: { readonly keys: readonly RegisteredKey[]; readonly changes: readonly PlannedKeyChange[] },
): Promise<Published> {
  const { list } = publisher;
  const act = {
    action: `keys.${command.action}`,
    target: targetOf(command),
    ...beforeAndAfter(after.changes),
  };
  await requireStill(list, before);
  if (command.action === 'compromise') return listThenPublish(publisher, after.keys, act);
  const publication = await openPublication(publisher, after.keys, act);
  await publication.certificates();
  const published = await publication.manifest();
  if (!(await isStill(list, before))) {
    // The other one may have been a compromise, which this manifest does not have.
    await publishKeys(publisher);
    throw new OperatorError(CHANGED_MEANWHILE);
  }
  await completing(publishedOnly(published), list.write(after.keys));
  return published;
}

async function listThenPublish(
  publisher: Publisher,
  keys: readonly RegisteredKey[],
  act: Act,
): Promise<Published> {
  const { list } = publisher;
  await list.write(keys);
  const publication = await completing(LISTED_ONLY, openPublication(publisher, keys, act));
  const published = await completing(LISTED_ONLY, publication.manifest());
  if (!(await isStill(list, keys))) return publishKeys(publisher);
  await certify(publication, published);
  return published;
}

const LISTED_ONLY =
  'Instances refuse the key from now on, but the manifest does not say so yet. Give the command again.';
const publishedOnly = ({ version }: Published) =>
  `The change is published as version ${version}, but not in the list of keys. Give the command again.`;

/**
 * With how many documents on record are of each key that ends. Not of a compromised one: the store that counts may be away,
 * and instances must know at once.
 */
async function withDocuments(
  { ports }: Publisher,
  keys: readonly RegisteredKey[],
  changes: readonly KeyChange[],
): Promise<PlannedKeyChange[]> {
  const ofLicenses = keys.filter(isPublished);
  return Promise.all(
    changes.map(async (change) => {
      const key = ofLicenses.find((row) => kidOf(row) === change.kid);
      const isEnd = change.to === 'retiring' || change.to === 'retired';
      if (!isEnd || key === undefined) return change;
      const documents = await countDocuments(ports, change.kid);
      return { ...change, documents, endedAt: key.sunsetAt };
    }),
  );
}

function requireSound(keys: readonly RegisteredKey[]): void {
  const problems = registryProblems(keys);
  if (problems.length > 0) throw new OperatorError(`${problems.join('. ')}.`);
}

/** No manifest lists the others. */
function isLicenseKey(keys: readonly RegisteredKey[], kid: string): boolean {
  return keys.some((key) => isSigningKey(key) && key.use === 'license' && key.fingerprint === kid);
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
