/** Renew: hands out the newest document of a licence, in the format of the one that is shown. Nothing is signed here. */

import { LICENSE_NOT_FOUND, licenseRefusal } from '../decide/license.ts';
import { CountersignError } from '../errors.ts';
import { decodeIssued } from '../formats/issued.ts';
import type { Ports } from '../ports/ports.ts';
import { notAccepted } from './licensing-license.ts';
import { newestDocument } from './licensing-newest.ts';
import { type Possession, type Presented, requirePossession } from './licensing-possession.ts';
import { refused } from './refused.ts';
import type { Settings } from './settings.ts';
import { LICENSE_TRANSFERRED, type LicenseOnRecord } from './validate-on-record.ts';

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
 * here, `license_revoked`, `license_suspended`, `license_transferred`, `legacy_sunset`, `license_not_accepted` with the
 * `reason`, `signing_unavailable`, `store_unavailable`
 */
export async function renewDocument(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  presented: Presented,
): Promise<Renewal> {
  const text = presented.text.trim();
  const possession = await requirePossession(ports, settings, { ...presented, text });
  const onRecord = requireHolding(possession, ports.clock.now());
  const newest = await newestDocument(ports, settings, onRecord, possession.format);
  return renewal(newest?.text ?? itself(text, possession), text, ports.clock.now());
}

/** @throws CountersignError why the licence has no newest document for whoever asks */
function requireHolding({ onRecord, refusal }: Possession, now: number): LicenseOnRecord {
  if (onRecord === undefined) throw notAccepted(refusal ?? LICENSE_NOT_FOUND);
  const problem = onRecord.isTransferred ? LICENSE_TRANSFERRED : licenseRefusal(onRecord.record, now);
  if (problem !== undefined) throw refused(problem);
  return onRecord;
}

/** Where nothing on record holds, the text is the newest that there is, unless its key vouches for nothing any more. */
function itself(text: string, { refusal }: Possession): string {
  if (refusal !== undefined) throw notAccepted(refusal);
  return text;
}

function renewal(newest: string, sent: string, now: number): Renewal {
  const expiresAt = decodeIssued(newest)?.license.expiresAt ?? null;
  if (expiresAt !== null && now >= expiresAt)
    throw new CountersignError('license_expired', 'This licence has expired. Renew it with the vendor.');
  return { text: newest, isRenewed: newest !== sent, expiresAt, now };
}
