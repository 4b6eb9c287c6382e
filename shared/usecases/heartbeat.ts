/** Heartbeat: extend the lease of a session, and sign a fresh document when the caller needs one. */
import { type HeartbeatCommand as Decided, decideHeartbeat, SESSION_NOT_FOUND } from '../decide/heartbeat.ts';
import type { FormatName } from '../formats/index.ts';
import type { Fields } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { sessionPath } from '../records/paths.ts';
import type { SessionRecord } from '../records/session.ts';
import { formatInstant } from '../wire/document.ts';
import { endSession } from './end-session.ts';
import { locateSession, readSession, type SessionClaim } from './find-session.ts';
import { payloadOf, type SignedDocument, signDocument } from './license-document.ts';
import { refused } from './refused.ts';
import { retryConflicts } from './retry.ts';
import type { Settings } from './settings.ts';

export interface HeartbeatCommand extends SessionClaim {
  readonly format: FormatName;
  readonly nonce: string | undefined;
  /** True for a fresh document now, not only when the last one is past half its life. */
  readonly document: boolean;
}

export type HeartbeatAnswer = Partial<SignedDocument> & {
  readonly session_id: string;
  readonly lease_expires_at: string;
  readonly heartbeat_seconds: number;
};

interface Extended {
  readonly license: LicenseRecord;
  readonly session: SessionRecord;
  readonly sign: boolean;
}

/**
 * @throws CountersignError `session_not_found`, `session_superseded`, `hardware_mismatch`, `license_expired`,
 * `license_revoked`, `license_suspended`, `hardware_not_allowed`, `signing_unavailable`, `store_unavailable`
 */
export async function heartbeat(
  ports: Ports,
  settings: Settings,
  command: HeartbeatCommand,
): Promise<HeartbeatAnswer> {
  const { license, session, sign } = await retryConflicts(() => extend(ports, command));
  const answer = {
    session_id: command.sessionId,
    lease_expires_at: formatInstant(session.lease_expires_at),
    heartbeat_seconds: license.policy.heartbeat_seconds,
  };
  const { hardwareId } = command;
  if (!sign || hardwareId === undefined) return answer;
  const payload = payloadOf(license, session, command.sessionId, { ...command, hardwareId }, settings.issuer);
  return {
    ...answer,
    ...(await signDocument(ports.keys, license.signing_algorithm, command.format, payload)),
  };
}

async function extend(ports: Ports, command: HeartbeatCommand): Promise<Extended> {
  const { store, clock } = ports;
  const address = locateSession(ports, command);
  const { license, session } = await readSession(ports, address);
  if (license === undefined || session === undefined) throw refused(SESSION_NOT_FOUND);
  const { record, version } = session;
  const now = clock.now();
  const { hardware, generation, license: licenseHash } = address;

  const decision = decideHeartbeat(
    { license, session: record },
    { hardware, generation, document: wantedDocument(command) },
    now,
  );
  if (decision.kind === 'refuse') throw refused(decision);
  if (decision.kind === 'end') {
    const { reason, refusal } = decision;
    await store.commit(endSession({ licenseHash, hardware, license, session: record, reason, now }, version));
    throw refused(refusal);
  }
  const path = sessionPath(licenseHash, hardware);
  const fields: Fields = changedFields(decision.session);
  await store.commit([{ op: 'update', path, fields, demand: { version } }]);
  return { license, session: decision.session, sign: decision.sign };
}

function changedFields(session: SessionRecord): Fields {
  const { last_heartbeat_at, lease_expires_at, document_signed_at, document_expires_at } = session;
  return { last_heartbeat_at, lease_expires_at, document_signed_at, document_expires_at };
}

/** A document binds the machine and, in the inline format, the licence key: without them none can be made. */
function wantedDocument({ document, format, licenseKey, hardwareId }: HeartbeatCommand): Decided['document'] {
  if (hardwareId === undefined || (format === 'inline' && licenseKey === undefined)) return 'impossible';
  return document ? 'now' : 'if_due';
}
