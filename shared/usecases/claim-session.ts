/** The writes that make a decision to acquire come true. */
import type { AcquireDecision } from '../decide/acquire.ts';
import { endReasonOf } from '../decide/license.ts';
import type { Refusal } from '../decide/refusal.ts';
import type { Demand, Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { sessionPath } from '../records/paths.ts';
import type { SessionRecord } from '../records/session.ts';
import { usageInterval, vacate } from './end-session.ts';
import type { Settings } from './settings.ts';
import { moveSeat, requireSettled, type SeatRequest, takeSeat } from './take-seat.ts';

export interface Claim {
  readonly session: SessionRecord;
  readonly writes: readonly Write[];
}

export type Granting = Exclude<AcquireDecision, Refusal>;

/** @throws CountersignError `seats_exhausted` */
export async function claimSession(
  ports: Ports,
  settings: Settings,
  decision: Granting,
  place: SeatRequest,
): Promise<Claim> {
  const { session } = decision;
  switch (decision.kind) {
    case 'renew': {
      const { version, moves } = decision;
      if (!moves) return { session, writes: [putSession(place, session, { version })] };
      const { seat, writes } = await moveSeat(ports, settings, place, session);
      const moved = { ...session, seat };
      return { session: moved, writes: [putSession(place, moved, { version }), ...writes] };
    }
    case 'replace': {
      await requireSettled(ports, place);
      const { record, version } = decision.ended;
      const interval = usageInterval(expired(place, record));
      return { session, writes: [putSession(place, session, { version }), interval] };
    }
    case 'grant': {
      const { ended, needsSeat } = decision;
      await requireSettled(ports, place);
      const { seat, writes } = needsSeat ? await takeSeat(ports, settings, place) : NO_SEAT;
      const seated = { ...session, seat };
      if (ended === undefined)
        return { session: seated, writes: [...writes, putSession(place, seated, 'absent')] };
      const { record, version } = ended;
      const vacated = vacate(expired(place, record));
      return { session: seated, writes: [...writes, putSession(place, seated, { version }), ...vacated] };
    }
  }
}

const NO_SEAT = { seat: null, writes: [] };

function expired(place: SeatRequest, session: SessionRecord) {
  return { ...place, session, reason: endReasonOf(place.license, session) };
}

function putSession({ licenseHash, hardware }: SeatRequest, session: SessionRecord, demand: Demand): Write {
  return { op: 'set', path: sessionPath(licenseHash, hardware), fields: session, demand };
}
