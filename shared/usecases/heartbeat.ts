/**
 * Heartbeat: extend the lease of a session, and sign a fresh document when the caller needs one.
 *
 * The lease does not depend on the KMS: when signing fails it is extended all the same. Here the signature comes
 * before the commit, so that the record says which document was really made; the answer waits for both.
 */
import { type HeartbeatCommand as Decided, decideHeartbeat, SESSION_NOT_FOUND } from '../decide/heartbeat.ts';
import { CountersignError, type ErrorCode } from '../errors.ts';
import type { FormatName } from '../formats/index.ts';
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
  /** Why a document that was due is missing. The next heartbeat tries again. */
  readonly document_error?: ErrorCode;
};

/** What became of the document that was wanted. */
type Signing =
  | { readonly kind: 'none' }
  | { readonly kind: 'signed'; readonly session: SessionRecord; readonly document: SignedDocument }
  | { readonly kind: 'failed'; readonly error: CountersignError };

/**
 * @throws CountersignError `session_not_found`, `session_superseded`, `hardware_mismatch`, `license_expired`,
 * `license_revoked`, `license_suspended`, `hardware_not_allowed`, `store_unavailable`, and `signing_unavailable`
 * when the caller asked for a document; the lease is extended nevertheless
 */
export function heartbeat(
  ports: Ports,
  settings: Settings,
  command: HeartbeatCommand,
): Promise<HeartbeatAnswer> {
  return retryConflicts(() => beat(ports, settings, command));
}

async function beat(ports: Ports, settings: Settings, command: HeartbeatCommand): Promise<HeartbeatAnswer> {
  const { store, clock } = ports;
  const address = locateSession(ports, command);
  const { license, session } = await readSession(ports, address);
  if (license === undefined || session === undefined) throw refused(SESSION_NOT_FOUND);
  const { record, version } = session;
  const { hardware, generation, license: licenseHash } = address;
  const now = clock.now();

  const wanted = { hardware, generation, document: wantedDocument(command) };
  const decision = decideHeartbeat({ license, session: record }, wanted, now);
  if (decision.kind === 'refuse') throw refused(decision);
  if (decision.kind === 'end') {
    const { reason, refusal } = decision;
    await store.commit(endSession({ licenseHash, hardware, license, session: record, reason, now }, version));
    throw refused(refusal);
  }
  const signing = await sign(ports, settings, command, license, decision.documented);
  const extended = signing.kind === 'signed' ? signing.session : decision.session;
  const path = sessionPath(licenseHash, hardware);
  await store.commit([{ op: 'update', path, fields: changedFields(extended), demand: { version } }]);
  if (signing.kind === 'failed' && command.document) throw signing.error;
  return answerOf(command, license, extended, signing);
}

async function sign(
  { keys }: Ports,
  { issuer }: Settings,
  command: HeartbeatCommand,
  license: LicenseRecord,
  session: SessionRecord | undefined,
): Promise<Signing> {
  const { hardwareId, sessionId, format } = command;
  if (session === undefined || hardwareId === undefined) return { kind: 'none' };
  const payload = payloadOf(license, session, sessionId, { ...command, hardwareId }, issuer);
  try {
    return {
      kind: 'signed',
      session,
      document: await signDocument(keys, license.signing_algorithm, format, payload),
    };
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return { kind: 'failed', error };
  }
}

function answerOf(
  { sessionId }: HeartbeatCommand,
  license: LicenseRecord,
  session: SessionRecord,
  signing: Signing,
): HeartbeatAnswer {
  return {
    session_id: sessionId,
    lease_expires_at: formatInstant(session.lease_expires_at),
    heartbeat_seconds: license.policy.heartbeat_seconds,
    ...(signing.kind === 'signed' && signing.document),
    ...(signing.kind === 'failed' && { document_error: signing.error.code }),
  };
}

function changedFields({
  last_heartbeat_at,
  lease_expires_at,
  document_signed_at,
  document_expires_at,
}: SessionRecord) {
  return { last_heartbeat_at, lease_expires_at, document_signed_at, document_expires_at };
}

/** A document binds the machine and, in the inline format, the licence key: without them none can be made. */
function wantedDocument({ document, format, licenseKey, hardwareId }: HeartbeatCommand): Decided['document'] {
  if (hardwareId === undefined || (format === 'inline' && licenseKey === undefined)) return 'impossible';
  return document ? 'now' : 'if_due';
}
