/**
 * Validate: is this document genuine, does it cover the scope, and does its session still hold? The first two
 * can be answered offline as well; the third is what a client asks the service for.
 */
import { ALGORITHMS } from '../algorithms.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import {
  type BarredKey,
  importVerificationKey,
  type VerificationKey,
  verifyDocument,
} from '../client/verify.ts';
import { staleRefusal } from '../decide/heartbeat.ts';
import { LICENSE_NOT_FOUND, licenseRefusal } from '../decide/license.ts';
import type { Scope } from '../decide/scope.ts';
import type { ErrorCode } from '../errors.ts';
import type { KeyDirectory, PublicKeyRecord } from '../ports/key-directory.ts';
import type { Ports } from '../ports/ports.ts';
import { parseSessionId } from '../session-id.ts';
import type { VerificationCode } from '../verification.ts';
import type { DocumentPayload } from '../wire/document.ts';
import { readSession } from './find-session.ts';

export interface ValidateCommand {
  readonly token: string | JsonObject;
  readonly scope: Scope;
}

export type ValidateAnswer =
  | { readonly valid: true; readonly code: null; readonly error: null; readonly document: DocumentPayload }
  | {
      readonly valid: false;
      readonly code: VerificationCode | ErrorCode;
      readonly error: string;
      readonly document: null;
    };

/** @throws CountersignError `signing_unavailable` when no public key can be read, `store_unavailable` */
export async function validate(ports: Ports, { token, scope }: ValidateCommand): Promise<ValidateAnswer> {
  const now = ports.clock.now();
  const result = await verifyDocument(token, { keys: keyFinder(ports.keys), now, scope });
  if (!result.valid) return { valid: false, code: result.code, error: result.detail, document: null };
  const refusal = await liveRefusal(ports, result.payload, now);
  if (refusal !== undefined)
    return { valid: false, code: refusal.code, error: refusal.detail, document: null };
  return { valid: true, code: null, error: null, document: result.payload };
}

/** Why the session of a genuine document no longer holds. */
async function liveRefusal(ports: Ports, payload: DocumentPayload, now: number) {
  const address = parseSessionId(payload.session_id);
  if (address === undefined) return LICENSE_NOT_FOUND;
  const { license, session } = await readSession(ports, address);
  if (license === undefined) return LICENSE_NOT_FOUND;
  return licenseRefusal(license.record, now) ?? staleRefusal(session?.record, address.generation);
}

const imported = new WeakMap<object, Promise<VerificationKey>>();

function keyFinder(keys: KeyDirectory) {
  return async (kid: string): Promise<VerificationKey | BarredKey | undefined> => {
    const record = await keys.find(kid);
    if (record?.jwk === undefined) return record;
    const known = imported.get(record);
    if (known !== undefined) return known;
    const key = importRecord(record);
    imported.set(record, key);
    return key;
  };
}

async function importRecord({ jwk, kid, algorithm, state, sunsetAt }: PublicKeyRecord) {
  const { jose: alg } = ALGORITHMS[algorithm];
  return { ...(await importVerificationKey({ ...jwk, kid, alg })), state, sunsetAt };
}
