/** The writes that make a decision to acquire come true. */
import type { AcquireDecision } from '../decide/acquire.ts';
import type { Refusal } from '../decide/refusal.ts';
import type { Demand, DocumentStore, Write } from '../ports/document-store.ts';
import type { LicenseRecord } from '../records/license.ts';
import { sessionPath } from '../records/paths.ts';
import type { SessionRecord } from '../records/session.ts';
import { usageInterval, vacate } from './end-session.ts';
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
    case 'grant': {
      const { ended, needsSeat } = decision;
      const seat = needsSeat ? await takeSeat(store, settings, place) : NO_SEAT;
      const seated = { ...session, seat: seat.seat };
      if (ended === undefined)
        return { session: seated, writes: [...seat.writes, putSession(place, seated, 'absent')] };
      const { record, version } = ended;
      const writes = [
        putSession(place, seated, { version }),
        ...vacate({ ...place, session: record, reason: 'expired' }),
      ];
      return { session: seated, writes: [...seat.writes, ...writes] };
    }
  }
}

const NO_SEAT = { seat: null, writes: [] };

async function takeSeat(store: DocumentStore, { clockSkewSeconds }: Settings, place: Place) {
  const seats = place.license.seats ?? 0;
  const answer = await findSeat({ ...place, store, seats, clockSkewSeconds });
  if (answer.kind === 'refuse') throw refused(answer);
  return answer;
}

function putSession({ licenseHash, hardware }: Place, session: SessionRecord, demand: Demand): Write {
  return { op: 'set', path: sessionPath(licenseHash, hardware), fields: session, demand };
}
