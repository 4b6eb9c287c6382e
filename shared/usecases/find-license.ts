/** A licence by its public id, as operators see it. */

import { type Caller, mayTouch } from '../access/caller.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { endOf, LICENSE_ID_NOT_FOUND } from '../decide/license.ts';
import { documentId } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { DocumentRecord } from '../records/document.ts';
import { type LicenseRecord, licenseRecord } from '../records/license.ts';
import { LICENSES } from '../records/paths.ts';
import type { License, ListedLicense } from '../wire/admin-licenses.ts';
import { formatInstant } from '../wire/document.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';

export interface FoundLicense {
  readonly hash: string;
  readonly record: LicenseRecord;
  readonly version: string;
}

/** Longer ids are nobody's, and would be more than an index holds. */
const ID = /^[\w-]{1,64}$/;

/** @throws CountersignError `license_not_found`, also for that of a customer whose objects the caller may not touch */
export async function findLicense(
  { store }: Pick<Ports, 'store'>,
  caller: Pick<Caller, 'customerId'>,
  id: string,
): Promise<FoundLicense> {
  if (!ID.test(id)) throw refused(LICENSE_ID_NOT_FOUND);
  const [snapshot] = await store.query({
    collection: LICENSES,
    where: [['license_id', '==', id]],
    limit: 1,
  });
  const found = readRecord(licenseRecord, snapshot);
  if (snapshot === undefined || found === undefined || !mayTouch(caller, found.record.customer_id))
    throw refused(LICENSE_ID_NOT_FOUND);
  return { hash: documentId(snapshot.path), ...found };
}

/** `now` tells whether it has expired. */
export function viewOf(license: LicenseRecord, now: number): ListedLicense {
  const { customer, created_at, updated_at, expires_at: end } = license;
  const isOver = license.status === 'active' && now >= endOf(license, 'date');
  return {
    id: license.license_id,
    customer_id: customer.id,
    customer_name: customer.name,
    module_name: license.product,
    license_type: license.license_type,
    status: isOver ? 'expired' : license.status,
    tier: license.tier,
    features: license.features,
    allowed_major_versions: license.allowed_major_versions,
    seats: license.seats,
    limits: license.limits,
    policy: license.policy,
    holder: license.holder,
    instance_fingerprint: license.instance_fingerprint,
    allowed_hardware: license.allowed_hardware,
    unverified: license.unverified,
    notes: license.notes,
    revoked_reason: license.revoked_reason,
    issued_at: formatInstant(created_at),
    expires_at: end === null ? null : formatInstant(end),
    expiry_strategy: license.expiry_strategy,
    updated_at: formatInstant(updated_at),
  };
}

/** With its newest AEGIS document; none of a former customer's. `documents` are newest first. */
export function withToken(view: ListedLicense, documents: readonly DocumentRecord[]): License {
  const document = documents.find(
    ({ format, customer_id }) => format === 'aegis' && customer_id === view.customer_id,
  );
  return { ...view, token: document?.text ?? null, key_id: document?.kid ?? null };
}

/**
 * What the entity tag of a licence is made of: the same in every answer, with documents or without, and before and after
 * its end.
 */
export function taggedPart(license: ListedLicense | License): JsonObject {
  const { status, token: _token, key_id: _key, ...content } = { token: '', key_id: '', ...license };
  return { ...content, status: status === 'expired' ? 'active' : status };
}
