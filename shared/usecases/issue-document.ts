/** Issues a licence as text, once for each format and key: asking again hands out what was issued. */

import { INTERRUPTED_COMMIT_PAUSE_MS, MAX_INTERRUPTED_COMMITS, RETRY_AFTER_SECONDS } from '../constants.ts';
import { CountersignError } from '../errors.ts';
import { aegis } from '../formats/aegis.ts';
import { OperatorError } from '../operator-error.ts';
import { CommitInterruptedError, ConflictError } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type DocumentRecord, documentRecord } from '../records/document.ts';
import type { LicenseRecord } from '../records/license.ts';
import { documentPath } from '../records/paths.ts';
import type { AegisPayload } from '../wire/issued.ts';
import { readRecord } from './read.ts';
import type { Settings } from './settings.ts';

/** What the clients of the system before expect: `"alg":"EdDSA"`. */
const AEGIS_ALGORITHM = 'EC_SIGN_ED25519';

/**
 * The licence as an AEGIS document, signed by the active key.
 * @throws OperatorError when the format cannot hold it, CountersignError `signing_unavailable`, `store_unavailable`
 */
export async function issueAegis(
  ports: Pick<Ports, 'store' | 'clock' | 'keys'>,
  { issuer }: Pick<Settings, 'issuer'>,
  licenseHash: string,
  license: LicenseRecord,
): Promise<DocumentRecord> {
  const issuedAt = ports.clock.now();
  const payload = aegisPayload(license, issuer, issuedAt);
  const signature = await ports.keys.sign(AEGIS_ALGORITHM, (key) => aegis.signedBytes(payload, key));
  return storeOnce(ports, licenseHash, {
    license_id: license.license_id,
    customer_id: license.customer.id,
    format: 'aegis',
    kid: signature.kid,
    text: aegis.encode(payload, signature),
    issued_at: issuedAt,
    replaces: null,
  });
}

/**
 * Stores a document that was just signed, unless another request was faster; answers the one that is stored. Its place
 * allows one, so a commit that was not confirmed is sent again.
 * @throws CountersignError `store_unavailable`
 */
export async function storeOnce(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  licenseHash: string,
  document: DocumentRecord,
): Promise<DocumentRecord> {
  const path = documentPath(licenseHash, document.format, document.kid);
  for (let interruptions = 0; ; interruptions++) {
    try {
      await store.commit([{ op: 'set', path, fields: document, demand: 'absent' }]);
      return document;
    } catch (error) {
      if (!(error instanceof ConflictError || error instanceof CommitInterruptedError)) throw error;
      const [snapshot] = await store.get([path]);
      const stored = readRecord(documentRecord, snapshot)?.record;
      if (stored !== undefined) return stored;
      if (interruptions === MAX_INTERRUPTED_COMMITS) throw notConfirmed(error);
      await clock.pause(INTERRUPTED_COMMIT_PAUSE_MS * PAUSE_FACTOR ** interruptions);
    }
  }
}

const PAUSE_FACTOR = 3;

function notConfirmed(cause: unknown): CountersignError {
  return new CountersignError('store_unavailable', 'The store did not confirm the document. Try again.', {
    cause,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

function aegisPayload(license: LicenseRecord, issuer: string, now: number): AegisPayload {
  const { allowed_major_versions: versions, expires_at: expiresAt } = license;
  if (versions === null)
    throw new OperatorError('An AEGIS licence lists the major versions that it allows; this one allows all.');
  return {
    jti: license.license_id,
    iss: issuer,
    iat: Math.floor(now / 1000),
    ...(expiresAt !== null && { exp: Math.floor(expiresAt / 1000) }),
    customer: license.customer,
    module: { technical_name: license.product, allowed_major_versions: versions },
    license_type: expiresAt === null ? 'perpetual' : 'subscription',
  };
}
