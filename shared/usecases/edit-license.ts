/** A change that an operator makes to one licence, with its audit event and the documents that say it. */

import type { Caller } from '../access/caller.ts';
import { canonicalJson } from '../canonical/jcs.ts';
import type { JsonObject, JsonValue } from '../canonical/strict-json.ts';
import type { Decision } from '../decide/license-change.ts';
import type { Fields } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { DocumentRecord } from '../records/document.ts';
import type { LicenseRecord } from '../records/license.ts';
import { licensePath } from '../records/paths.ts';
import type { Change } from './administer.ts';
import { administerSigned } from './administer-signed.ts';
import { fieldsOf } from './change-license.ts';
import { documentAct, documentWrite } from './document-writes.ts';
import { requireMatch } from './entity-tag.ts';
import { type FoundLicense, findLicense, taggedPart, viewOf, withToken } from './find-license.ts';
import { type Answered, asAnswered } from './license-documents.ts';
import type { DocumentToSign, Signing } from './signing.ts';

/** What an operator asks of one licence. */
export interface LicenseRequest {
  readonly caller: Caller;
  readonly licenseId: string;
  readonly idempotencyKey: string | undefined;
  readonly ifMatch: string | undefined;
  /** The body as it was sent. */
  readonly body: JsonObject;
}

/** As it was answered; in a replay that of the first time. */
export interface EditedLicense extends Answered {
  readonly replayed: boolean;
}

/** What an action does to the licence that is stored. */
export type Decided = Decision & {
  /** What else the audit trail is told. */
  readonly told?: Fields;
  /** Those on record, newest first; the answer has no token without them. */
  readonly documents?: readonly DocumentRecord[];
  /** What is to be on record beside them from then on. */
  readonly toSign?: readonly DocumentToSign[];
};

type Decide = (found: FoundLicense, now: number) => Decided | Promise<Decided>;

/**
 * Stores what `decide` answers. Members that stay as they are change nothing, and without a change nothing is recorded.
 * @throws CountersignError `license_not_found`, `precondition_failed`, `idempotency_conflict`, `store_unavailable`, the
 * refusals of `decide`; `signing_unavailable` when nothing was changed
 */
export async function editLicense(
  ports: Ports,
  { caller, licenseId, idempotencyKey, ifMatch, body }: LicenseRequest,
  action: string,
  decide: Decide,
): Promise<EditedLicense> {
  const operation = `licenses.${action} ${licenseId}`;
  const request = { caller, operation, idempotencyKey, body };
  const { answer, replayed } = await administerSigned(ports, request, async (now, signing) => {
    const found = await findLicense(ports, caller, licenseId);
    await requireMatch(ifMatch, taggedPart(viewOf(found.record, now)));
    return changeOf(found, action, await decide(found, now), signing, now);
  });
  // Whatever this instance remembers of it is from before.
  ports.memory.licenses.delete(answer.hash);
  return { hash: answer.hash, license: await asAnswered(ports, answer), replayed };
}

function changeOf(
  { hash, record, version }: FoundLicense,
  action: string,
  decided: Decided,
  signing: Signing,
  now: number,
): Change<Answered> {
  const changed = differing(record, fieldsOf(decided) ?? {});
  const { documents = [], toSign = [], told } = decided;
  const signed = signing.documents(toSign);
  const isSame = Object.keys(changed).length === 0;
  // Two changes in one millisecond still have different entity tags.
  const fields = isSame ? {} : { ...changed, updated_at: Math.max(now, record.updated_at + 1) };
  const license = withToken(viewOf({ ...record, ...fields }, now), [...signed, ...documents]);
  const path = licensePath(hash);
  return {
    answer: { hash, license },
    writes: [
      ...(isSame ? [] : [{ op: 'update', path, fields, demand: { version } } as const]),
      ...signed.map((document) => documentWrite(hash, document, documents)),
    ],
    act: [...(isSame ? [] : [actOf(action, record, changed, told)]), ...signed.map(documentAct)],
  };
}

function actOf(action: string, record: LicenseRecord, changed: Partial<LicenseRecord>, told: Fields = {}) {
  const before = Object.fromEntries(
    Object.keys(changed).map((name) => [name, record[name as keyof LicenseRecord]]),
  );
  return { action: `licenses.${action}`, target: record.license_id, before, after: { ...changed, ...told } };
}

function differing(record: LicenseRecord, wanted: Partial<LicenseRecord>): Partial<LicenseRecord> {
  const text = (value: unknown) => canonicalJson((value ?? null) as JsonValue);
  const entries = Object.entries(wanted).filter(
    ([name, value]) => text(value) !== text(record[name as keyof LicenseRecord]),
  );
  return Object.fromEntries(entries);
}
