/**
 * Changes of what a licence says: each is committed, and then its documents are signed anew in the formats that it was
 * issued in. Documents of before stay on record, and hold as long as they say: nobody can take a signature back.
 */

import { type Edit, edit } from '../decide/license-change.ts';
import type { Ports } from '../ports/ports.ts';
import type { License } from '../wire/admin-licenses.ts';
import { type Decide, editLicense, type LicenseRequest } from './edit-license.ts';
import { findLicense, withToken } from './find-license.ts';
import {
  completeDocuments,
  documentsOf,
  issuedFormats,
  keyIn,
  requireHoldable,
} from './license-documents.ts';
import type { Settings } from './settings.ts';
import { settleSeats } from './settle-seats.ts';

export interface ChangedLicense {
  readonly license: License;
  readonly replayed: boolean;
}

/**
 * Changes the members that are sent. With fewer seats, sessions beyond them move to free ones or run out.
 * @throws CountersignError as `changeTerms`
 */
export async function editTerms(
  ports: Ports,
  settings: Settings,
  request: LicenseRequest,
  wanted: Edit,
): Promise<ChangedLicense> {
  const changed = await changeTerms(ports, settings, request, 'change', (license, now) =>
    edit(license, wanted, now),
  );
  if (wanted.seats !== undefined) {
    const { hash } = await findLicense(ports, request.caller, request.licenseId);
    await settleSeats(ports, settings, hash);
  }
  return changed;
}

/**
 * @throws CountersignError `license_not_found`, `license_revoked`, `precondition_failed`, `idempotency_conflict`,
 * `invalid_request` when a format cannot hold the licence any more, `store_unavailable`; `signing_unavailable` when the
 * licence is changed and a document is not signed: repeating the request completes it
 */
export async function changeTerms(
  ports: Ports,
  settings: Settings,
  request: LicenseRequest,
  action: string,
  decide: Decide,
): Promise<ChangedLicense> {
  const { caller, licenseId } = request;
  const { hash } = await findLicense(ports, caller, licenseId);
  const before = await documentsOf(ports, hash);
  const licenseKey = keyIn(before);
  const formats = issuedFormats(before);
  const edited = await editLicense(ports, request, action, async (license, now) => {
    const decision = await decide(license, now);
    if (decision.kind === 'change') {
      // Read again: a document that is issued meanwhile has this decided anew, on all there are.
      const issued = await documentsOf(ports, hash);
      const terms = {
        license: { ...license, ...decision.fields },
        issuer: settings.issuer,
        issuedAt: now,
        licenseKey: keyIn(issued),
      };
      for (const format of issuedFormats(issued)) requireHoldable(format, terms, decision.fields);
    }
    return decision;
  });
  await completeDocuments(ports, settings, caller, { hash, licenseKey }, formats);
  return {
    license: withToken(edited.license, await documentsOf(ports, hash)),
    replayed: edited.replayed,
  };
}
