/**
 * Changes of what a licence says: each is committed together with its documents, signed anew in the formats that it was issued
 * in. Documents of before stay on record, and hold as long as they say: nobody can take a signature back.
 */

import { type Decision, type Edit, edit } from '../decide/license-change.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { rendered } from './document-writes.ts';
import { type Decided, type EditedLicense, editLicense, type LicenseRequest } from './edit-license.ts';
import type { FoundLicense } from './find-license.ts';
import { requireSignedEnd } from './holdable.ts';
import { documentsOf, issuedFormats, keyIn } from './license-documents.ts';
import type { Settings } from './settings.ts';
import { settleSeats } from './settle-seats.ts';

/**
 * Changes the members that are sent. With fewer seats, sessions beyond them move to free ones or run out.
 * @throws CountersignError as `changeTerms`
 */
export async function editTerms(
  ports: Ports,
  settings: Settings,
  request: LicenseRequest,
  wanted: Edit,
): Promise<EditedLicense> {
  const edited = await changeTerms(ports, settings, request, 'change', (license, now) =>
    edit(license, wanted, now),
  );
  if (wanted.seats !== undefined) await settleSeats(ports, settings, edited.hash);
  return edited;
}

/**
 * @throws CountersignError `license_not_found`, `license_revoked`, `precondition_failed`, `idempotency_conflict`,
 * `invalid_request` when a format cannot hold the licence any more, `store_unavailable`; `signing_unavailable` when nothing
 * was changed
 */
export function changeTerms(
  ports: Ports,
  settings: Settings,
  request: LicenseRequest,
  action: string,
  decide: (license: LicenseRecord, now: number) => Decision | Promise<Decision>,
): Promise<EditedLicense> {
  return editLicense(ports, request, action, async (found, now) => {
    const decision = await decide(found.record, now);
    return decision.kind === 'refuse'
      ? decision
      : withDocuments(ports, settings, found, decision.fields, now);
  });
}

/** Those that say something else by now are signed anew, also where an earlier change left them behind. */
async function withDocuments(
  ports: Ports,
  { issuer }: Settings,
  { hash, record }: FoundLicense,
  fields: Partial<LicenseRecord>,
  now: number,
): Promise<Decided> {
  const documents = await documentsOf(ports, hash);
  const formats = issuedFormats(documents);
  const said = { license: { ...record, ...fields }, issuer, licenseKey: keyIn(documents) };
  const member = fields.expiry_strategy === undefined ? 'expires_at' : 'expiry_strategy';
  if (formats.length > 0) requireSignedEnd(said.license, member);
  const all = formats.map((format) => rendered(format, said, documents, now));
  const toSign = all.filter(({ current }) => current === undefined).map((one) => one.toSign);
  return { kind: 'change', fields, documents, toSign };
}
