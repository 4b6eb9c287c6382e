/** Deactivate: an installation gives its instance back, also of a licence that does not hold any more. */
import type { Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type ActivationRecord, activationRecord } from '../records/activation.ts';
import { activationPath, slotPath } from '../records/paths.ts';
import type { Versioned } from '../records/versioned.ts';
import type { InstanceClaim } from './activate.ts';
import { memoryOf } from './idempotency.ts';
import { examineCaio, notAccepted } from './licensing-license.ts';
import { readRecord } from './read.ts';
import { retryCommits } from './retry.ts';
import type { Settings } from './settings.ts';

export interface Deactivated {
  /** Whether the instance was activated until now. */
  readonly deactivated: boolean;
  readonly replayed: boolean;
}

/**
 * @throws CountersignError `license_not_accepted` with the `reason`, `legacy_sunset`, `idempotency_conflict`,
 * `signing_unavailable`, `store_unavailable`
 */
export async function deactivate(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  { text, instanceId, idempotencyKey, body = {} }: InstanceClaim,
): Promise<Deactivated> {
  const { caio, refusal } = await examineCaio(ports, settings, text);
  if (caio === undefined) throw notAccepted(refusal ?? { code: 'license_not_found', detail: '' });
  const instance = ports.hasher.hash('instance', instanceId);
  const path = activationPath(caio.holder, instance);
  const memory = memoryOf(ports.hasher, { idempotencyKey, owner: instance, operation: 'deactivate', body });
  let hasCommitted = false;
  return retryCommits(ports, async () => {
    const [snapshot, memoryDocument] = await ports.store.get([path, ...(memory ? [memory.path] : [])]);
    const now = ports.clock.now();
    const remembered = memory?.recall(memoryDocument, now);
    if (remembered !== undefined) return { deactivated: remembered.deactivated === true, replayed: true };
    const found = readRecord(activationRecord, snapshot);
    const answer = { deactivated: found !== undefined };
    const remember = memory === undefined ? [] : [memory.remember(answer, memoryDocument, now)];
    const writes = [...(found === undefined ? [] : endWrites(caio.holder, found)), ...remember];
    // Gone after a commit that was not confirmed: that was this one.
    if (writes.length === 0) return { deactivated: hasCommitted, replayed: false };
    hasCommitted = true;
    await ports.store.commit(writes);
    return { ...answer, replayed: false };
  });
}

/** What ends an activation: it and its slot, together. */
export function endWrites(holder: string, { record, version }: Versioned<ActivationRecord>): Write[] {
  const activation: Write = {
    op: 'delete',
    path: activationPath(holder, record.instance),
    demand: { version },
  };
  return record.slot === null
    ? [activation]
    : [activation, { op: 'delete', path: slotPath(holder, record.slot), demand: 'present' }];
}
