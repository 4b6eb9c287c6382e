/** Issues a licence as a document in one more format, or hands out the one that there is. */
import type { IssuableFormat } from '../decide/issue.ts';
import { licenseRefusal } from '../decide/license.ts';
import { normalizeLicenseKey } from '../license-key.ts';
import type { Ports } from '../ports/ports.ts';
import type { DocumentRecord } from '../records/document.ts';
import type { LicenseDocument } from '../wire/admin-licenses.ts';
import type { Change } from './administer.ts';
import { administerSigned } from './administer-signed.ts';
import { documentAct, documentWrite, rendered } from './document-writes.ts';
import type { LicenseRequest } from './edit-license.ts';
import { type FoundLicense, findLicense } from './find-license.ts';
import { requireSignedEnd, unholdable } from './holdable.ts';
import { documentsOf, documentView, keyIn } from './license-documents.ts';
import { refused } from './refused.ts';
import type { Settings } from './settings.ts';
import type { Signing } from './signing.ts';

export interface WantedDocument {
  readonly format: IssuableFormat;
  /** Needed for the first DTLIC2 document of a licence. */
  readonly licenseKey: string | undefined;
}

/**
 * The licence in a format, signed by the active key unless such a document is there.
 * @throws CountersignError `license_not_found`, `license_revoked`, `license_suspended`, `license_expired`, `invalid_request`
 * when the format cannot hold the licence, `idempotency_conflict`, `store_unavailable`; `signing_unavailable` when nothing
 * was issued
 */
export async function issueDocument(
  ports: Ports,
  settings: Settings,
  { caller, licenseId, idempotencyKey, body }: LicenseRequest,
  wanted: WantedDocument,
): Promise<{ readonly document: LicenseDocument; readonly replayed: boolean }> {
  const request = { caller, idempotencyKey, operation: `documents.issue ${licenseId}`, body };
  const { answer, replayed } = await administerSigned(ports, request, async (now, signing) => {
    const found = await findLicense(ports, caller, licenseId);
    const refusal = licenseRefusal(found.record, now);
    if (refusal !== undefined) throw refused(refusal);
    requireOwnKey(ports, found, wanted.licenseKey);
    requireSignedEnd(found.record, 'format');
    return decide(ports, settings, { found, wanted, now, signing });
  });
  return { document: documentView(answer), replayed };
}

/** @throws CountersignError `invalid_request` */
function requireOwnKey({ hasher }: Ports, { hash }: FoundLicense, licenseKey: string | undefined): void {
  if (licenseKey !== undefined && hasher.hash('license', normalizeLicenseKey(licenseKey)) !== hash)
    throw unholdable('This is not the key of this licence.', 'license_key');
}

interface Deciding {
  readonly found: FoundLicense;
  readonly wanted: WantedDocument;
  readonly now: number;
  readonly signing: Signing;
}

async function decide(
  ports: Ports,
  { issuer }: Settings,
  { found: { hash, record: license }, wanted, now, signing }: Deciding,
): Promise<Change<DocumentRecord>> {
  const documents = await documentsOf(ports, hash);
  const said = { license, issuer, licenseKey: wanted.licenseKey ?? keyIn(documents) };
  const { current, toSign } = rendered(wanted.format, said, documents, now);
  // Of a key that signs no more another document takes its place.
  if (current !== undefined && signing.isActive(current.kid))
    return { answer: current, writes: [], act: documentAct(current) };
  const document = signing.document(toSign);
  return {
    answer: document,
    writes: [documentWrite(hash, document, documents)],
    act: documentAct(document),
  };
}
