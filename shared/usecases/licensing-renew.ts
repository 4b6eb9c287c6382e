/** Renew: hands out the newest document of a licence that the operator has renewed. */
import { LICENSE_NOT_FOUND, licenseRefusal } from '../decide/license.ts';
import { CountersignError } from '../errors.ts';
import { caioV2 } from '../formats/caio-v2.ts';
import type { Ports } from '../ports/ports.ts';
import { examineCaio, notAccepted } from './licensing-license.ts';
import { refused } from './refused.ts';
import type { Settings } from './settings.ts';
import { findDocument } from './validate-on-record.ts';

export interface Renewal {
  /** The newest document of the licence; the one that was sent when there is none newer. */
  readonly text: string;
  readonly isRenewed: boolean;
  /** Milliseconds since the epoch; null for ever. */
  readonly expiresAt: number | null;
  readonly now: number;
}

/**
 * @throws CountersignError `license_expired` when nothing newer holds, `license_not_found` for one that is not on record
 * here, `license_revoked`, `license_suspended`, `license_not_accepted` with the `reason`, `signing_unavailable`,
 * `store_unavailable`
 */
export async function renewCaio(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  given: string,
): Promise<Renewal> {
  const { caio, refusal } = await examineCaio(ports, settings, given);
  const onRecord = caio?.onRecord;
  if (caio === undefined || onRecord === undefined) throw notAccepted(refusal ?? LICENSE_NOT_FOUND);
  const now = ports.clock.now();
  const problem = licenseRefusal(onRecord.record, now);
  if (problem !== undefined) throw refused(problem);
  const { customer_id: customerId } = caio.terms;
  const newest = await findDocument(ports.store, customerId ?? '', (_, hash) => hash === onRecord.hash);
  // The one that was sent is on record, or it would have none.
  const text = newest?.document.text ?? given.trim();
  const { expiresAt } = caioV2.decode(text).license;
  if (expiresAt !== null && now >= expiresAt)
    throw new CountersignError('license_expired', 'This licence has expired. Renew it with the vendor.');
  return { text, isRenewed: text !== given.trim(), expiresAt, now };
}
