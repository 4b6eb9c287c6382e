/**
 * Activate: an installation of a CAIO licence takes one of the instances that it allows. Asking again changes nothing, so
 * a lost answer is safe to repeat.
 */
import type { JsonObject } from '../canonical/strict-json.ts';
import { LAST_SEEN_SECONDS } from '../constants.ts';
import { CountersignError } from '../errors.ts';
import { ConflictError, type Fields, type Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type ActivationRecord, activationRecord } from '../records/activation.ts';
import { activationPath, slotPath } from '../records/paths.ts';
import type { Versioned } from '../records/versioned.ts';
import { countInstances, findFreeSlot, isLive } from './activations-slots.ts';
import { memoryOf } from './idempotency.ts';
import { type CaioLicense, requireCaio } from './licensing-license.ts';
import { type LicensingStatus, newestActivation } from './licensing-status.ts';
import { readRecord } from './read.ts';
import { retryCommits } from './retry.ts';
import type { Settings } from './settings.ts';

export interface InstanceClaim {
  /** The text of the licence. */
  readonly text: string;
  /** What the installation calls itself. */
  readonly instanceId: string;
  readonly idempotencyKey?: string | undefined;
  /** The request's body, for the comparison of idempotent requests. */
  readonly body?: JsonObject;
}

export interface Activated {
  readonly status: LicensingStatus;
  readonly replayed: boolean;
}

interface Place {
  readonly caio: CaioLicense;
  readonly instance: string;
  readonly attempt: number;
  readonly now: number;
  readonly found: Versioned<ActivationRecord> | undefined;
  /** The write that remembers what is answered; undefined of a request without an `Idempotency-Key`. */
  readonly remember: ((answer: Fields) => Write) | undefined;
}

/** What is answered, and what an `Idempotency-Key` remembers. */
interface Answer {
  readonly activation: ActivationRecord;
  readonly instances_in_use: number;
  /** Those that were remembered before there was one have none. */
  readonly ends_at?: number | null;
}

/**
 * @throws CountersignError `activations_exhausted` with `max_instances`, `license_not_accepted` with the `reason`,
 * `license_not_found`, `license_expired`, `license_revoked`, `license_suspended`, `license_transferred`, `legacy_sunset`,
 * `idempotency_conflict`, `activation_not_found` (a repeated request whose instance was deactivated since),
 * `signing_unavailable`, `store_unavailable`
 */
export async function activate(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  { text, instanceId, idempotencyKey, body = {} }: InstanceClaim,
): Promise<Activated> {
  const instance = ports.hasher.hash('instance', instanceId);
  const memory = memoryOf(ports.hasher, { idempotencyKey, owner: instance, operation: 'activate', body });
  return retryCommits(ports, async (attempt) => {
    const caio = await requireCaio(ports, settings, text);
    const paths = [activationPath(caio.holder, instance), ...(memory === undefined ? [] : [memory.path])];
    const [snapshot, memoryDocument] = await ports.store.get(paths);
    const found = readRecord(activationRecord, snapshot);
    const now = ports.clock.now();
    const remembered = memory?.recall(memoryDocument, now);
    if (remembered !== undefined)
      return { status: repeated(remembered as unknown as Answer, caio, found?.record), replayed: true };
    const remember = memory && ((answer: Fields) => memory.remember(answer, memoryDocument, now));
    const answer = await take(ports, { caio, instance, attempt, now, found, remember });
    return { status: statusAt(now, answer, caio), replayed: false };
  });
}

function statusAt(
  now: number,
  { activation, instances_in_use: instancesInUse, ends_at }: Answer,
  caio: CaioLicense,
): LicensingStatus {
  const endsAt = ends_at === undefined ? caio.endsAt : ends_at;
  const { notice } = caio;
  return { refusal: undefined, terms: activation, instancesInUse, activation, endsAt, notice, now };
}

/** Told again only while it is so: a request that arrives late must not pass for a new activation. */
function repeated(before: Answer, caio: CaioLicense, now: ActivationRecord | undefined): LicensingStatus {
  if (now !== undefined && isLive(now, caio.terms.max_instances))
    return statusAt(before.activation.last_seen_at, before, caio);
  throw new CountersignError(
    'activation_not_found',
    'This request was answered before, and the instance is not activated any more. Use a new Idempotency-Key.',
  );
}

async function take(ports: Ports, place: Place): Promise<Answer> {
  const { caio, now, found, remember } = place;
  const max = caio.terms.max_instances;
  const inUse = await countInstances(ports, caio.holder, max);
  if (found !== undefined && isLive(found.record, max)) {
    const isRecent = now - found.record.last_seen_at < LAST_SEEN_SECONDS * 1000;
    const isSame = isRecent && found.record.document === caio.terms.document;
    const isKnown = isSame && remember === undefined && (await isNewest(ports, place));
    if (isKnown) return { activation: found.record, instances_in_use: inUse, ends_at: caio.endsAt };
    return store(ports, place, { slot: found.record.slot, inUse, others: [] });
  }
  if (max === null) return store(ports, place, { slot: null, inUse: inUse + 1, others: [] });
  const slot = await findFreeSlot(ports, { ...place, holder: caio.holder }, max);
  if (slot === undefined) throw await refusalWithout(ports, place, max);
  return store(ports, place, { slot, inUse: inUse + 1, others: movingWrites(place, slot) });
}

/** Of an instance of several licences its status is about the one that it activated last. */
async function isNewest(ports: Ports, { caio, instance }: Place): Promise<boolean> {
  return (await newestActivation(ports, instance))?.holder === caio.holder;
}

/** The same instance may have asked twice at once, and the other request taken the last one for it. */
async function refusalWithout({ store }: Ports, { caio, instance, found }: Place, max: number) {
  const path = activationPath(caio.holder, instance);
  const [snapshot] = await store.get([path]);
  return snapshot?.version === found?.version ? exhausted(max) : new ConflictError(path);
}

/** Takes the slot, and leaves the one beyond the number that the instance had before it was lowered. */
function movingWrites({ caio: { holder }, instance, found }: Place, slot: number): Write[] {
  const before = found?.record.slot ?? null;
  const taking: Write = { op: 'set', path: slotPath(holder, slot), fields: { instance }, demand: 'absent' };
  return before === null ? [taking] : [taking, { op: 'delete', path: slotPath(holder, before) }];
}

interface Taking {
  readonly slot: number | null;
  /** With this one. */
  readonly inUse: number;
  readonly others: readonly Write[];
}

async function store(
  ports: Ports,
  { caio, instance, now, found, remember }: Place,
  { slot, inUse, others }: Taking,
): Promise<Answer> {
  const activation: ActivationRecord = {
    ...caio.terms,
    instance,
    slot,
    first_seen_at: found?.record.first_seen_at ?? now,
    last_seen_at: now,
  };
  const answer = { activation, instances_in_use: inUse, ends_at: caio.endsAt };
  const demand = found === undefined ? 'absent' : { version: found.version };
  const path = activationPath(caio.holder, instance);
  const memory = remember === undefined ? [] : [remember(answer)];
  await ports.store.commit([{ op: 'set', path, fields: activation, demand }, ...others, ...memory]);
  return answer;
}

function exhausted(max: number): CountersignError {
  return new CountersignError(
    'activations_exhausted',
    max < 1
      ? 'This licence allows no instance. Ask the vendor for one that does.'
      : `Every instance that this licence allows (${max}) is activated. Deactivate one first.`,
    { members: { max_instances: max } },
  );
}
