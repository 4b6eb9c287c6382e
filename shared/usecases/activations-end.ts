/** An operator ends the activation of an instance, so that another one can have its place. */
import { CountersignError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import { activationRecord } from '../records/activation.ts';
import { activationPath, licensePath } from '../records/paths.ts';
import { type AdminRequest, administer } from './administer.ts';
import { endWrites } from './deactivate.ts';
import { findLicense } from './find-license.ts';
import { readRecord } from './read.ts';

export interface EndingActivation {
  readonly licenseId: string;
  /** The hash of what it calls itself, as the list says it. */
  readonly instance: string;
}

const HASH = /^[0-9a-f]{32}$/;

/**
 * @throws CountersignError `license_not_found`, also for that of another customer; `activation_not_found`,
 * `idempotency_conflict`, `store_unavailable`
 */
export function endActivation(
  ports: Pick<Ports, 'store' | 'clock' | 'random' | 'hasher'>,
  request: Pick<AdminRequest, 'caller' | 'idempotencyKey'>,
  { licenseId, instance }: EndingActivation,
) {
  const body = { license_id: licenseId, instance };
  return administer(ports, { ...request, operation: 'activations.end', body }, async () => {
    const { hash } = await findLicense(ports, request.caller, licenseId);
    if (!HASH.test(instance)) throw notActivated();
    const holder = licensePath(hash);
    const [snapshot] = await ports.store.get([activationPath(holder, instance)]);
    const found = readRecord(activationRecord, snapshot);
    if (found === undefined) throw notActivated();
    const { slot, first_seen_at, last_seen_at } = found.record;
    return {
      answer: { message: 'The activation was ended.', ...body },
      writes: endWrites(holder, found),
      act: {
        action: 'activations.end',
        target: licenseId,
        before: { instance, slot, first_seen_at, last_seen_at },
        after: null,
      },
    };
  });
}

function notActivated(): CountersignError {
  return new CountersignError('activation_not_found', 'The licence has no such activation.');
}
