/** The writes that make a decision to acquire come true. */
import type { AcquireDecision } from '../decide/acquire.ts';
import type { Refusal } from '../decide/refusal.ts';
import type { Demand, DocumentStore, Write } from '../ports/document-store.ts';
import type { LicenseRecord } from '../records/license.ts';
import { sessionPath } from '../records/paths.ts';
import type { SessionRecord } from '../records/session.ts';
import { usageInterval } from './end-session.ts';
import { findSeat } from './find-seat.ts';
import { refused } from './refused.ts';
import type { Settings } from './settings.ts';

export interface Claim {
  readonly session: SessionRecord;
  readonly writes: Write[];
}

interface Place {
  readonly license: LicenseRecord;
  readonly licenseHash: string;
  readonly hardware: string;
  readonly now: number;
  /** How many times this request has lost a race. */
  readonly attempt: number;
}

/** @throws CountersignError `seats_exhausted` */
export async function claimSession(
  store: DocumentStore,
  settings: Settings,
  decision: Exclude<AcquireDecision, Refusal>,
  place: Place,
): Promise<Claim> {
  const { session } = decision;
  switch (decision.kind) {
    case 'renew':
      return { session, writes: [putSession(place, session, { version: decision.version })] };
    case 'replace': {
      const { record, version } = decision.ended;
      const interval = usageInterval({ ...place, session: record, reason: 'expired' });
      return { session, writes: [putSession(place, session, { version }), interval] };
    }
    case 'grant':
      return decision.needsSeat
        ? grantSeat(store, settings, session, place)
        : { session, writes: [putSession(place, session, 'absent')] };
  }
}

async function grantSeat(
  store: DocumentStore,
  { clockSkewSeconds }: Settings,
  unseated: SessionRecord,
  place: Place,
): Promise<Claim> {
  const seats = place.license.seats ?? 0;
  const answer = await findSeat({ ...place, store, seats, clockSkewSeconds });
  if (answer.kind === 'refuse') throw refused(answer);
  const session = { ...unseated, seat: answer.seat };
  return { session, writes: [...answer.writes, putSession(place, session, 'absent')] };
}

function putSession({ licenseHash, hardware }: Place, session: SessionRecord, demand: Demand): Write {
  return { op: 'set', path: sessionPath(licenseHash, hardware), fields: session, demand };
}
