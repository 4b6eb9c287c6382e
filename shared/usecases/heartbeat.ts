/**
 * Heartbeat: extend the lease of a session, and sign a fresh document when the caller needs one.
 *
 * An instance that remembers the session commits at once, demanding the version that it remembers, and reads the
 * licence beside the commit: one round trip. Otherwise it reads first.
 *
 * The lease does not depend on the KMS: when signing fails it is extended all the same. Here the signature comes
 * before the commit, so that the record says which document was really made; the answer waits for both.
 */
import {
  type HeartbeatCommand as Decided,
  decideHeartbeat,
  type HeartbeatDecision,
  SESSION_NOT_FOUND,
} from '../decide/heartbeat.ts';
import { CountersignError, type ErrorCode } from '../errors.ts';
import type { FormatName } from '../formats/index.ts';
import type { Write } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { sessionPath } from '../records/paths.ts';
import type { SessionRecord } from '../records/session.ts';
import type { Versioned } from '../records/versioned.ts';
import type { SessionAddress } from '../session-id.ts';
import { formatInstant } from '../wire/document.ts';
import { commitSession } from './commit-session.ts';
import { locateSession, readSession, recallSession, type SessionClaim } from './find-session.ts';
import { confirmLicense } from './known-license.ts';
import { payloadOf, type SignedDocument, signDocument } from './license-document.ts';
import { refused } from './refused.ts';
import { retryCommits } from './retry.ts';
import type { Settings } from './settings.ts';
import { moveSeat } from './take-seat.ts';
import { together } from './together.ts';

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
  return retryCommits(ports, (attempt) => beat(ports, settings, command, attempt));
}

async function beat(
  ports: Ports,
  settings: Settings,
  command: HeartbeatCommand,
  attempt: number,
): Promise<HeartbeatAnswer> {
  const address = locateSession(ports, command);
  const known = recallSession(ports, address);
  if (known !== undefined) {
    const place = { ...known, address, attempt, now: ports.clock.now() };
    const decision = decide(command, place);
    // Nothing is refused on what may be outdated: neither a licence nor a seat for a session that has to move.
    if (decision.kind === 'extend' && !decision.moves) {
      const confirmed = confirmLicense(ports, address.license, known.license);
      return (await together([extend(ports, settings, command, place, decision), confirmed]))[0];
    }
  }
  const { license, session } = await readSession(ports, address);
  const now = ports.clock.now();
  const decision = decide(command, { license, session, address, now });
  if (decision.kind === 'refuse') throw refused(decision);
  if (license === undefined || session === undefined) throw refused(SESSION_NOT_FOUND);
  return extend(ports, settings, command, { license, session, address, attempt, now }, decision);
}

/** What a heartbeat is decided on. */
interface Place {
  readonly license: Versioned<LicenseRecord>;
  readonly session: Versioned<SessionRecord>;
  readonly address: SessionAddress;
  readonly attempt: number;
  readonly now: number;
}

type Found = Pick<Place, 'address' | 'now'> & {
  readonly [K in 'license' | 'session']: Place[K] | undefined;
};

function decide(command: HeartbeatCommand, { license, session, address, now }: Found): HeartbeatDecision {
  const { hardware, generation } = address;
  const wanted = { hardware, generation, document: wantedDocument(command) };
  return decideHeartbeat({ license: license?.record, session: session?.record }, wanted, now);
}

async function extend(
  ports: Ports,
  settings: Settings,
  command: HeartbeatCommand,
  place: Place,
  decision: Extract<HeartbeatDecision, { kind: 'extend' }>,
): Promise<HeartbeatAnswer> {
  const license = place.license.record;
  const move = decision.moves ? await moveOf(ports, settings, place) : STAY;
  const signing = await sign(ports, settings, command, license, decision.documented);
  const extended = signing.kind === 'signed' ? signing.session : decision.session;
  const path = sessionPath(place.address.license, place.address.hardware);
  const fields = { ...changedFields(extended), ...move.fields };
  const update: Write = { op: 'update', path, fields, demand: { version: place.session.version } };
  await commitSession(ports, path, { ...extended, ...move.fields }, [update, ...move.writes]);
  if (signing.kind === 'failed' && command.document) throw signing.error;
  return answerOf(command, license, extended, signing);
}

const STAY = { fields: {}, writes: [] };

async function moveOf(ports: Ports, settings: Settings, { address, license, session, ...place }: Place) {
  const request = { ...place, ...address, licenseHash: address.license, license: license.record };
  const { seat, writes } = await moveSeat(ports, settings, request, session.record);
  return { fields: { seat }, writes };
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
