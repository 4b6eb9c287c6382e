/** Deactivate: an installation gives its instance back, also of a licence that does not hold any more. */
import type { Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type ActivationRecord, activationRecord } from '../records/activation.ts';
import { activationPath, slotPath } from '../records/paths.ts';
import type { Versioned } from '../records/versioned.ts';
import type { InstanceClaim } from './activate.ts';
import { examineCaio, notAccepted } from './licensing-license.ts';
import { readRecord } from './read.ts';
import { retryCommits } from './retry.ts';
import type { Settings } from './settings.ts';

/**
 * True when the instance was activated until now.
 * @throws CountersignError `license_not_accepted` with the `reason`, `signing_unavailable`, `store_unavailable`
 */
export async function deactivate(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  { text, instanceId }: InstanceClaim,
): Promise<boolean> {
  const { caio, refusal } = await examineCaio(ports, settings, text);
  if (caio === undefined) throw notAccepted(refusal ?? { code: 'license_not_found', detail: '' });
  const instance = ports.hasher.hash('instance', instanceId);
  const path = activationPath(caio.holder, instance);
  let hasCommitted = false;
  return retryCommits(ports, async () => {
    const [snapshot] = await ports.store.get([path]);
    const found = readRecord(activationRecord, snapshot);
    // Gone after a commit that was not confirmed: that was this one.
    if (found === undefined) return hasCommitted;
    hasCommitted = true;
    await ports.store.commit(endWrites(caio.holder, found));
    return true;
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
