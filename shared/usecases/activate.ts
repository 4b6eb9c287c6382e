/**
 * Activate: an installation of a CAIO licence takes one of the instances that it allows. Asking again changes nothing, so
 * a lost answer is safe to repeat.
 */
import { LAST_SEEN_SECONDS } from '../constants.ts';
import { CountersignError } from '../errors.ts';
import { ConflictError, type Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type ActivationRecord, activationRecord } from '../records/activation.ts';
import { activationPath, slotPath } from '../records/paths.ts';
import type { Versioned } from '../records/versioned.ts';
import { findFreeSlot, isLive } from './activations-slots.ts';
import { type CaioLicense, requireCaio } from './licensing-license.ts';
import { type LicensingStatus, statusOf } from './licensing-status.ts';
import { readRecord } from './read.ts';
import { retryCommits } from './retry.ts';
import type { Settings } from './settings.ts';

export interface InstanceClaim {
  /** The text of the licence. */
  readonly text: string;
  /** What the installation calls itself. */
  readonly instanceId: string;
}

interface Place {
  readonly caio: CaioLicense;
  readonly instance: string;
  readonly attempt: number;
  readonly now: number;
  readonly found: Versioned<ActivationRecord> | undefined;
}

/**
 * @throws CountersignError `activations_exhausted` with `max_instances`, `license_not_accepted` with the `reason`,
 * `license_not_found`, `license_expired`, `license_revoked`, `license_suspended`, `signing_unavailable`, `store_unavailable`
 */
export async function activate(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  { text, instanceId }: InstanceClaim,
): Promise<LicensingStatus> {
  const instance = ports.hasher.hash('instance', instanceId);
  return retryCommits(ports, async (attempt) => {
    const caio = await requireCaio(ports, settings, text);
    const [snapshot] = await ports.store.get([activationPath(caio.holder, instance)]);
    const found = readRecord(activationRecord, snapshot);
    const activation = await take(ports, { caio, instance, attempt, now: ports.clock.now(), found });
    return statusOf(ports, { ...caio, activation, refusal: undefined });
  });
}

async function take(ports: Ports, place: Place): Promise<ActivationRecord> {
  const { caio, now, found } = place;
  const max = caio.terms.max_instances;
  if (found !== undefined && isLive(found.record, max)) {
    const isRecent = now - found.record.last_seen_at < LAST_SEEN_SECONDS * 1000;
    if (isRecent && found.record.document === caio.terms.document) return found.record;
    return store(ports, place, found.record.slot, []);
  }
  if (max === null) return store(ports, place, null, []);
  const slot = await findFreeSlot(ports, { ...place, holder: caio.holder }, max);
  if (slot === undefined) throw await refusalWithout(ports, place, max);
  return store(ports, place, slot, movingWrites(place, slot));
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

async function store(
  ports: Ports,
  { caio, instance, now, found }: Place,
  slot: number | null,
  others: readonly Write[],
): Promise<ActivationRecord> {
  const record: ActivationRecord = {
    ...caio.terms,
    instance,
    slot,
    first_seen_at: found?.record.first_seen_at ?? now,
    last_seen_at: now,
  };
  const demand = found === undefined ? 'absent' : { version: found.version };
  const path = activationPath(caio.holder, instance);
  await ports.store.commit([{ op: 'set', path, fields: record, demand }, ...others]);
  return record;
}

function exhausted(max: number): CountersignError {
  return new CountersignError(
    'activations_exhausted',
    `All ${max} instances of this licence are activated. Deactivate one first.`,
    { members: { max_instances: max } },
  );
}
