/**
 * Acquire (or borrow) a seat: read the licence and this machine's session, decide, commit, have the KMS sign.
 *
 * The signature is asked for after the commit, so a refused request costs no KMS call and no signature exists
 * for a session that was not committed. When signing fails after the commit, the caller gets
 * `signing_unavailable` and its retry finds the same session.
 */
import type { AlgorithmName } from '../algorithms.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { decideAcquire } from '../decide/acquire.ts';
import { LICENSE_NOT_FOUND } from '../decide/license.ts';
import type { FormatName } from '../formats/index.ts';
import { normalizeLicenseKey } from '../license-key.ts';
import type { Fields } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { licenseRecord } from '../records/license.ts';
import { licensePath, sessionPath } from '../records/paths.ts';
import { sessionRecord } from '../records/session.ts';
import { formatSessionId, newGeneration } from '../session-id.ts';
import type { DocumentPayload } from '../wire/document.ts';
import { documentPayload } from '../wire/document.ts';
import { claimSession } from './claim-session.ts';
import { memoryOf } from './idempotency.ts';
import { payloadOf, type SignedDocument, signDocument } from './license-document.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';
import { retryConflicts } from './retry.ts';
import type { Settings } from './settings.ts';

export interface AcquireCommand {
  readonly licenseKey: string;
  readonly hardwareId: string;
  readonly format: FormatName;
  readonly nonce: string | undefined;
  /** Term of a borrowed seat in seconds; undefined for a floating seat. */
  readonly borrowSeconds: number | undefined;
  readonly idempotencyKey: string | undefined;
  /** The request's body, for the comparison of idempotent requests. */
  readonly body: JsonObject;
}

export type AcquireAnswer = SignedDocument & {
  readonly session_id: string;
  readonly lease_expires_at: string;
  readonly heartbeat_seconds: number;
};

/** What was committed and is about to be signed. */
interface Granted {
  readonly algorithm: AlgorithmName;
  readonly payload: DocumentPayload;
  readonly replayed: boolean;
}

/**
 * @throws CountersignError `license_not_found`, `license_expired`, `license_revoked`, `license_suspended`,
 * `hardware_not_allowed`, `seats_exhausted`, `borrow_not_allowed`, `borrow_too_long`, `idempotency_conflict`,
 * `signing_unavailable`, `store_unavailable`
 */
export async function acquire(
  ports: Ports,
  settings: Settings,
  command: AcquireCommand,
): Promise<{ readonly answer: AcquireAnswer; readonly replayed: boolean }> {
  const { algorithm, payload, replayed } = await retryConflicts((attempt) =>
    grant(ports, settings, command, attempt),
  );
  const document = await signDocument(ports.keys, algorithm, command.format, payload);
  const { session_id, lease_expires_at, heartbeat_seconds } = payload;
  return { answer: { ...document, session_id, lease_expires_at, heartbeat_seconds }, replayed };
}

async function grant(
  ports: Ports,
  settings: Settings,
  command: AcquireCommand,
  attempt: number,
): Promise<Granted> {
  const { store, clock, random, hasher } = ports;
  const licenseHash = hasher.hash('license', normalizeLicenseKey(command.licenseKey));
  const hardware = hasher.hash('hardware', command.hardwareId);
  const memory = memoryOf(hasher, { ...command, licenseHash, operation: 'acquire' });

  const paths = [licensePath(licenseHash), sessionPath(licenseHash, hardware)];
  if (memory !== undefined) paths.push(memory.path);
  const [licenseDocument, sessionDocument, memoryDocument] = await store.get(paths);
  const license = readRecord(licenseRecord, licenseDocument)?.record;
  if (license === undefined) throw refused(LICENSE_NOT_FOUND);
  const session = readRecord(sessionRecord, sessionDocument);
  const now = clock.now();
  const algorithm = license.signing_algorithm;

  const remembered = memory?.recall(memoryDocument, now);
  if (remembered !== undefined) return { algorithm, payload: restore(remembered, command), replayed: true };

  const generation = newGeneration(random);
  const decision = decideAcquire(
    { license, session },
    { hardware, generation, borrowSeconds: command.borrowSeconds },
    now,
  );
  if (decision.kind === 'refuse') throw refused(decision);
  const claim = await claimSession(store, settings, decision, {
    license,
    licenseHash,
    hardware,
    now,
    attempt,
  });

  const sessionId = formatSessionId({ license: licenseHash, hardware, generation: claim.session.generation });
  const payload = payloadOf(license, claim.session, sessionId, command, settings.issuer);
  const remember = memory?.remember(withoutKey(payload), memoryDocument, now);
  await store.commit(remember === undefined ? claim.writes : [...claim.writes, remember]);
  return { algorithm, payload, replayed: false };
}

/** The store never sees a licence key, so the memory of a request is kept without it. */
function withoutKey({ license_key: _, ...payload }: DocumentPayload): Fields {
  return payload;
}

function restore(remembered: Fields, { licenseKey }: AcquireCommand): DocumentPayload {
  return { ...documentPayload.parse(remembered), license_key: licenseKey };
}
