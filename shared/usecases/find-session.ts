/** Finds what a session id points at: the licence, and the session that its machine has now. */
import { SESSION_NOT_FOUND } from '../decide/heartbeat.ts';
import { refuse } from '../decide/refusal.ts';
import { normalizeLicenseKey } from '../license-key.ts';
import type { DocumentPath, Snapshot } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { licensePath, sessionPath } from '../records/paths.ts';
import { type SessionRecord, sessionRecord } from '../records/session.ts';
import type { Versioned } from '../records/versioned.ts';
import { parseSessionId, type SessionAddress } from '../session-id.ts';
import { learnLicense } from './known-license.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';

/** What a client says of itself. What it does say has to match the session. */
export interface SessionClaim {
  readonly sessionId: string;
  readonly licenseKey: string | undefined;
  readonly hardwareId: string | undefined;
}

export interface FoundSession {
  readonly license: Versioned<LicenseRecord> | undefined;
  readonly session: Versioned<SessionRecord> | undefined;
  /** The further documents that were asked for. */
  readonly others: readonly (Snapshot | undefined)[];
}

/**
 * Where the session of a claim is stored.
 * @throws CountersignError `session_not_found`, `hardware_mismatch`
 */
export function locateSession({ hasher }: Pick<Ports, 'hasher'>, claim: SessionClaim): SessionAddress {
  const address = parseSessionId(claim.sessionId);
  if (address === undefined) throw refused(SESSION_NOT_FOUND);
  const { licenseKey, hardwareId } = claim;
  if (
    licenseKey !== undefined &&
    hasher.hash('license', normalizeLicenseKey(licenseKey)) !== address.license
  ) {
    throw refused(SESSION_NOT_FOUND);
  }
  if (hardwareId !== undefined && hasher.hash('hardware', hardwareId) !== address.hardware) {
    throw refused(refuse('hardware_mismatch', 'This session belongs to another machine.'));
  }
  return address;
}

/**
 * Licence and session as this instance remembers them; undefined unless it remembers both, and the session is the
 * one that the id names.
 */
export function recallSession(
  { memory }: Pick<Ports, 'memory'>,
  { license: licenseHash, hardware, generation }: SessionAddress,
): { license: Versioned<LicenseRecord>; session: Versioned<SessionRecord> } | undefined {
  const license = memory.licenses.get(licenseHash);
  const session = memory.sessions.get(sessionPath(licenseHash, hardware));
  if (license === undefined || session?.record.generation !== generation) return undefined;
  return { license, session };
}

/** Reads licence, session and `others` in one round trip, and remembers the licence. */
export async function readSession(
  ports: Pick<Ports, 'store' | 'memory'>,
  { license, hardware }: SessionAddress,
  others: readonly DocumentPath[] = [],
): Promise<FoundSession> {
  const paths = [licensePath(license), sessionPath(license, hardware), ...others];
  const [licenseDocument, sessionDocument, ...rest] = await ports.store.get(paths);
  return {
    license: learnLicense(ports, license, licenseDocument),
    session: readRecord(sessionRecord, sessionDocument),
    others: rest,
  };
}
