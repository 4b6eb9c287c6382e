/** The documents of one licence, as operators see them. */
import type { Caller } from '../access/caller.ts';
import type { Ports } from '../ports/ports.ts';
import type { DocumentRecord } from '../records/document.ts';
import type { LicenseRecord } from '../records/license.ts';
import type { LicenseDocument, ListDocuments } from '../wire/admin-licenses.ts';
import { deliverable } from './deliverable.ts';
import { findLicense } from './find-license.ts';
import { documentsOf, documentView } from './license-documents.ts';
import { isAnothers } from './licensing-newest.ts';
import type { Settings } from './settings.ts';

/**
 * Newest first; those that can be delivered, one in each format, in any order.
 * @throws CountersignError `license_not_found`, `store_unavailable`; of those that can be delivered also as `deliverable`
 */
export async function listDocuments(
  ports: Pick<Ports, 'store' | 'keys' | 'clock'>,
  settings: Pick<Settings, 'issuer'>,
  { caller, licenseId }: { readonly caller: Caller; readonly licenseId: string },
  { format, deliverable: wantsDeliverable }: ListDocuments,
): Promise<LicenseDocument[]> {
  const found = await findLicense(ports, caller, licenseId);
  if (wantsDeliverable) return (await deliverable(ports, settings, found, format)).map(documentView);
  const documents = await documentsOf(ports, found.hash);
  return documents
    .filter((document) => format === undefined || document.format === format)
    .filter((document) => caller.customerId === null || !isFormers(document, found.record))
    .map(documentView);
}

/**
 * Whether it is a former customer's, whose name and address are none of the new one's business. A former holder of the same
 * customer is no stranger.
 */
function isFormers(document: DocumentRecord, license: LicenseRecord): boolean {
  return document.customer_id !== license.customer_id && isAnothers(document, license);
}
