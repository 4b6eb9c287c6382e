/**
 * Sends a stored document of a licence by e-mail. What is going to be sent is committed before, and how it ended after it:
 * a request that is repeated with its `Idempotency-Key` sends nothing that may have been sent.
 */
import type { Caller } from '../access/caller.ts';
import { hex } from '../canonical/hex.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { decodeIssued } from '../formats/issued.ts';
import { licenseMail } from '../mail/license-mail.ts';
import type { Value, Write } from '../ports/document-store.ts';
import type { Mailer } from '../ports/mailer.ts';
import type { Ports } from '../ports/ports.ts';
import { type DeliveryRecord, deliveryRecord } from '../records/delivery.ts';
import type { DocumentRecord } from '../records/document.ts';
import type { LicenseRecord } from '../records/license.ts';
import { deliveryPath } from '../records/paths.ts';
import type { DeliverRequest, DeliverResponse } from '../wire/deliver.ts';
import { administer, type Change } from './administer.ts';
import { deliverable } from './deliverable.ts';
import { findLicense } from './find-license.ts';
import { addressOf } from './letter-address.ts';
import { type LetterEnded, letterFailed, sendLetter } from './letters.ts';
import { readRecord } from './read.ts';
import type { Settings } from './settings.ts';

export interface DeliverCall {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly raw: JsonObject;
  readonly licenseId: string;
  readonly body: DeliverRequest;
}

interface Letter {
  readonly hash: string;
  readonly license: LicenseRecord;
  readonly document: DocumentRecord;
  readonly to: string;
}

type Status = DeliveryRecord['status'];

/**
 * @throws CountersignError `license_not_found`, `license_revoked`, `license_suspended`, `license_expired`,
 * `document_not_found` when none in the format can be delivered, `invalid_request` when no address is known, `mail_refused`,
 * `mail_unavailable`, `idempotency_conflict`, `signing_unavailable`, `store_unavailable`
 */
export async function deliverDocument(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  mailer: Mailer | undefined,
  call: DeliverCall,
): Promise<{ readonly answer: DeliverResponse; readonly replayed: boolean }> {
  const letter = await letterOf(ports, settings, call);
  if (mailer === undefined)
    return { answer: answerOf(letter, false, 'smtp_not_configured'), replayed: false };
  const { path, replayed } = await begin(ports, call, letter);
  const earlier = replayed ? await resume(ports, call, path) : undefined;
  if (earlier !== undefined) return { answer: outcomeOf(letter, earlier), replayed: true };
  const { status, error } = await send(mailer, letter);
  await finish(ports, call, path, status);
  if (status === 'failed') throw letterFailed(error);
  return { answer: outcomeOf(letter, status), replayed: false };
}

/** What is sent, decided before anything is. */
async function letterOf(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  { caller, licenseId, body }: DeliverCall,
): Promise<Letter> {
  const found = await findLicense(ports, caller, licenseId);
  const [document] = await deliverable(ports, settings, found, body.format);
  const { hash, record: license } = found;
  return { hash, license, document, to: body.to ?? (await addressOf(ports, license, '/to')) };
}

/** The delivery of this request: a new one, or that of the request that this one repeats. */
async function begin(ports: Ports, call: DeliverCall, letter: Letter) {
  const { caller, idempotencyKey, licenseId, raw } = call;
  const request = { caller, operation: `licenses.deliver ${licenseId}`, idempotencyKey, body: raw };
  const path = deliveryPath(letter.hash, hex(ports.random.bytes(16)));
  const { answer, replayed } = await administer(ports, request, async (now) => ({
    answer: { path },
    writes: [{ op: 'set', path, fields: beginning(letter, now), demand: 'absent' } satisfies Write],
    act: actOf(licenseId, null, { status: 'sending', ...namesOf(letter.document) }),
  }));
  return { path: answer.path, replayed };
}

function beginning({ license, document, to }: Letter, now: number): DeliveryRecord {
  return {
    license_id: license.license_id,
    customer_id: license.customer_id,
    ...namesOf(document),
    to,
    status: 'sending',
    started_at: now,
    ended_at: null,
  };
}

/** How a delivery of before stands. Undefined for one that failed and is begun again here; of two requests by one. */
async function resume(ports: Ports, call: DeliverCall, path: string): Promise<Status | undefined> {
  const { answer } = await administer(
    ports,
    unkeyed(call),
    async (now): Promise<Change<{ readonly status: Status | null }>> => {
      const [snapshot] = await ports.store.get([path]);
      const delivery = readRecord(deliveryRecord, snapshot);
      // Whoever deletes deliveries by hand has deleted what would tell.
      const status = delivery?.record.status ?? 'unknown';
      const act = actOf(call.licenseId, { status }, { status: 'sending' });
      if (delivery === undefined || status !== 'failed') return { answer: { status }, writes: [], act };
      const fields = { status: 'sending', started_at: now, ended_at: null };
      const demand = { version: delivery.version };
      return {
        answer: { status: null },
        writes: [{ op: 'update', path, fields, demand } satisfies Write],
        act,
      };
    },
  );
  return answer.status ?? undefined;
}

function send(mailer: Mailer, { license, document, to }: Letter): Promise<LetterEnded> {
  const name = license.holder?.name ?? license.customer.name;
  const { product } = license;
  const format = document.format as DeliverRequest['format'];
  // What the receiver has in hand ends when it says so itself, whatever has become of the licence since.
  const expiresAt = decodeIssued(document.text)?.license.expiresAt ?? null;
  return sendLetter(mailer, licenseMail(to, { format, product, name, expiresAt, document: document.text }));
}

/** The end of a delivery joins the audit trail in the commit that stores it. */
async function finish(
  ports: Ports,
  call: DeliverCall,
  path: string,
  status: LetterEnded['status'],
): Promise<void> {
  await administer(ports, unkeyed(call), async (now) => ({
    answer: {},
    writes: [{ op: 'update', path, fields: { status, ended_at: now } } satisfies Write],
    act: actOf(call.licenseId, { status: 'sending' }, { status }),
  }));
}

const unkeyed = ({ caller }: DeliverCall) => ({
  caller,
  operation: 'licenses.deliver',
  idempotencyKey: undefined,
  body: {},
});

const namesOf = ({ format, kid }: DocumentRecord) => ({ format, kid });

const actOf = (target: string, before: Value, after: Value) => ({
  action: 'licenses.deliver',
  target,
  before,
  after,
});

function outcomeOf(letter: Letter, status: Status): DeliverResponse {
  return status === 'sent' ? answerOf(letter, true, null) : answerOf(letter, null, 'outcome_unknown');
}

function answerOf(
  { document }: Letter,
  sent: DeliverResponse['sent'],
  reason: DeliverResponse['reason'],
): DeliverResponse {
  const format = document.format as DeliverRequest['format'];
  return { license_id: document.license_id, format, key_id: document.kid, sent, reason };
}
