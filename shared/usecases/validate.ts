/**
 * Validate: is this document genuine, does it cover the scope, and does its session still hold? The first two
 * can be answered offline as well; the third is what a client asks the service for. Licences that were issued as text
 * are `validate-license.ts`.
 */
import type { JsonObject } from '../canonical/strict-json.ts';
import { verifyDocument } from '../client/verify.ts';
import { staleRefusal } from '../decide/heartbeat.ts';
import { askedByMachine, LICENSE_NOT_FOUND, licenseRefusal } from '../decide/license.ts';
import type { Scope } from '../decide/scope.ts';
import type { ErrorCode } from '../errors.ts';
import { recognizeIssued } from '../formats/issued.ts';
import type { Ports } from '../ports/ports.ts';
import { parseSessionId } from '../session-id.ts';
import type { VerificationCode } from '../verification.ts';
import type { DocumentPayload } from '../wire/document.ts';
import { readSession } from './find-session.ts';
import { importedKeys } from './imported-keys.ts';
import type { Settings } from './settings.ts';
import { type LicenseAnswer, validateLicense } from './validate-license.ts';

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
export async function validate(
  ports: Ports,
  { issuer }: Pick<Settings, 'issuer'>,
  { token, scope }: ValidateCommand,
): Promise<ValidateAnswer | LicenseAnswer> {
  if (typeof token === 'string' && recognizeIssued(token) !== undefined)
    return validateLicense(ports, { text: token, scope, issuer });
  const now = ports.clock.now();
  const result = await verifyDocument(token, { keys: importedKeys(ports.keys).find, now, scope });
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
  const asked = askedByMachine(license.record, session?.record, now);
  return licenseRefusal(license.record, now, asked) ?? staleRefusal(session?.record, address.generation);
}
