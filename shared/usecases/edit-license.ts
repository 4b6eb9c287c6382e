/** A change that an operator makes to one licence, with its audit event. */

import { type Caller, mayTouch } from '../access/caller.ts';
import { canonicalJson } from '../canonical/jcs.ts';
import type { JsonObject, JsonValue } from '../canonical/strict-json.ts';
import type { Decision } from '../decide/license-change.ts';
import type { Fields } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type LicenseRecord, licenseRecord } from '../records/license.ts';
import { licensePath } from '../records/paths.ts';
import type { ListedLicense } from '../wire/admin-licenses.ts';
import { administer } from './administer.ts';
import { fieldsOf } from './change-license.ts';
import { requireMatch } from './entity-tag.ts';
import { type FoundLicense, findLicense, taggedPart, viewOf } from './find-license.ts';
import { readRecord } from './read.ts';

/** What an operator asks of one licence. */
export interface LicenseRequest {
  readonly caller: Caller;
  readonly licenseId: string;
  readonly idempotencyKey: string | undefined;
  readonly ifMatch: string | undefined;
  /** The body as it was sent. */
  readonly body: JsonObject;
}

export interface EditedLicense {
  /** As it was answered; in a replay that of the first time. */
  readonly license: ListedLicense;
  readonly hash: string;
  readonly replayed: boolean;
}

/** What an action does to the licence that is stored, and what else the audit trail is told. */
type Decided = Decision & { readonly told?: Fields | undefined };

export type Decide = (license: LicenseRecord, now: number) => Decided | Promise<Decided>;

/**
 * Stores what `decide` answers. Members that stay as they are change nothing, and without a change nothing is recorded.
 * @throws CountersignError `license_not_found`, `precondition_failed`, `idempotency_conflict`, `store_unavailable`, and the
 * refusals of `decide`
 */
export async function editLicense(
  ports: Ports,
  { caller, licenseId, idempotencyKey, ifMatch, body }: LicenseRequest,
  action: string,
  decide: Decide,
): Promise<EditedLicense> {
  const operation = `licenses.${action} ${licenseId}`;
  const { answer, replayed } = await administer(
    ports,
    { caller, operation, idempotencyKey, body },
    async (now) => {
      const found = await findLicense(ports, caller, licenseId);
      await requireMatch(ifMatch, taggedPart(viewOf(found.record, now)));
      const decided = await decide(found.record, now);
      const wanted = fieldsOf(decided) ?? {};
      return {
        ...changeOf(found, wanted, now),
        act: actOf(action, found.record, wanted, decided.told),
      };
    },
  );
  const { hash, license } = answer as unknown as EditedLicense;
  // Whatever this instance remembers of it is from before.
  ports.memory.licenses.delete(hash);
  return { license, hash, replayed };
}

function changeOf({ hash, record, version }: FoundLicense, wanted: Partial<LicenseRecord>, now: number) {
  const changed = differing(record, wanted);
  if (Object.keys(changed).length === 0) return { answer: answerOf(hash, record, now), writes: [] };
  // Two changes in one millisecond still have different entity tags.
  const fields = { ...changed, updated_at: Math.max(now, record.updated_at + 1) };
  const write = { op: 'update', path: licensePath(hash), fields, demand: { version } } as const;
  return { answer: answerOf(hash, { ...record, ...fields }, now), writes: [write] };
}

function answerOf(hash: string, record: LicenseRecord, now: number): Fields {
  return { hash, license: viewOf(record, now) };
}

function actOf(action: string, record: LicenseRecord, wanted: Partial<LicenseRecord>, told: Fields = {}) {
  const after = differing(record, wanted);
  const before = Object.fromEntries(
    Object.keys(after).map((name) => [name, record[name as keyof LicenseRecord]]),
  );
  return { action: `licenses.${action}`, target: record.license_id, before, after: { ...after, ...told } };
}

function differing(record: LicenseRecord, wanted: Partial<LicenseRecord>): Fields {
  const text = (value: unknown) => canonicalJson((value ?? null) as JsonValue);
  const entries = Object.entries(wanted).filter(
    ([name, value]) => text(value) !== text(record[name as keyof LicenseRecord]),
  );
  return Object.fromEntries(entries);
}

/** The licence as it is now. Undefined when it is gone, or not the caller's any more. */
export async function readLicense(
  { store }: Pick<Ports, 'store'>,
  { customerId }: Pick<Caller, 'customerId'>,
  hash: string,
): Promise<LicenseRecord | undefined> {
  const [snapshot] = await store.get([licensePath(hash)]);
  const record = readRecord(licenseRecord, snapshot)?.record;
  return record !== undefined && mayTouch({ customerId }, record.customer_id) ? record : undefined;
}
