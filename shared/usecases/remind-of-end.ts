/**
 * Reminds by e-mail that a licence ends, once for each end. As with deliveries, what is going to be sent is committed before
 * and how it ended after it, so that no letter goes out twice unless that is asked for.
 */
import type { Caller } from '../access/caller.ts';
import { hex } from '../canonical/hex.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { licenseRefusal } from '../decide/license.ts';
import { CountersignError } from '../errors.ts';
import { reminderMail } from '../mail/reminder-mail.ts';
import type { Value, Write } from '../ports/document-store.ts';
import type { Mailer } from '../ports/mailer.ts';
import type { Ports } from '../ports/ports.ts';
import type { LicenseRecord } from '../records/license.ts';
import { reminderPath } from '../records/paths.ts';
import { type ReminderRecord, reminderRecord } from '../records/reminder.ts';
import { formatInstant } from '../wire/document.ts';
import type { RemindRequest, RemindResponse } from '../wire/remind.ts';
import { administer, type Change } from './administer.ts';
import { findLicense } from './find-license.ts';
import { addressOf } from './letter-address.ts';
import { letterFailed, sendLetter } from './letters.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';

export interface RemindCall {
  readonly caller: Caller;
  readonly idempotencyKey: string | undefined;
  readonly raw: JsonObject;
  readonly licenseId: string;
  readonly body: RemindRequest;
}

interface Letter {
  readonly path: string;
  readonly license: LicenseRecord;
  readonly end: number;
  readonly to: string;
}

type Status = ReminderRecord['status'];

/** `standing` is how the letter stands that was there before; null for one that is this request's to send. */
type Begun = { readonly attempt: string; readonly standing: Status | null };

/**
 * @throws CountersignError `license_not_found`, `license_revoked`, `license_suspended`, `license_expired`, `not_remindable`,
 * `invalid_request` when no address is known, `mail_refused`, `mail_unavailable`, `idempotency_conflict`, `store_unavailable`
 */
export async function remindOfEnd(
  ports: Ports,
  mailer: Mailer | undefined,
  call: RemindCall,
): Promise<{ readonly answer: RemindResponse; readonly replayed: boolean }> {
  const letter = await letterOf(ports, call);
  if (mailer === undefined)
    return { answer: answerOf(letter, false, 'smtp_not_configured'), replayed: false };
  const { begun, replayed } = await begin(ports, call, letter);
  if (begun.standing !== null) return { answer: standingOf(letter, begun.standing), replayed };
  const earlier = replayed ? await resume(ports, call, letter, begun) : null;
  if (earlier !== null) return { answer: outcomeOf(letter, earlier), replayed };
  const { status, error } = await send(mailer, letter);
  await finish(ports, call, letter, begun, status);
  if (status === 'failed') throw letterFailed(error);
  return { answer: outcomeOf(letter, status), replayed: false };
}

async function letterOf(ports: Ports, { caller, licenseId }: RemindCall): Promise<Letter> {
  const { hash, record: license } = await findLicense(ports, caller, licenseId);
  const refusal = licenseRefusal(license, ports.clock.now(), 'date');
  if (refusal !== undefined) throw refused(refusal);
  const { expires_at: end } = license;
  if (end === null)
    throw new CountersignError('not_remindable', 'This licence has no end to be reminded of.');
  return { path: reminderPath(hash, end), license, end, to: await addressOf(ports, license, '') };
}

async function begin(ports: Ports, call: RemindCall, letter: Letter) {
  const { caller, idempotencyKey, licenseId, raw, body } = call;
  const request = { caller, operation: `licenses.remind ${licenseId}`, idempotencyKey, body: raw };
  const attempt = hex(ports.random.bytes(16));
  const { answer, replayed } = await administer(ports, request, async (now): Promise<Change<Begun>> => {
    const [snapshot] = await ports.store.get([letter.path]);
    const before = readRecord(reminderRecord, snapshot);
    const standing = before?.record.status ?? 'failed';
    const act = actOf(licenseId, before && { status: standing }, {
      status: 'sending',
      reminded_for: formatInstant(letter.end),
    });
    if (standing !== 'failed' && !body.force) return { answer: { attempt, standing }, writes: [], act };
    const demand = before === undefined ? 'absent' : { version: before.version };
    const fields = beginning(letter, attempt, now);
    const write: Write = { op: 'set', path: letter.path, fields, demand };
    return { answer: { attempt, standing: null }, writes: [write], act };
  });
  return { begun: answer, replayed };
}

function beginning({ license, end, to }: Letter, attempt: string, now: number): ReminderRecord {
  return {
    license_id: license.license_id,
    customer_id: license.customer_id,
    reminded_for: end,
    attempt,
    to,
    status: 'sending',
    started_at: now,
    ended_at: null,
  };
}

/** How the letter of the request that this one repeats stands. Null for one that failed and is begun again here. */
async function resume(
  ports: Ports,
  call: RemindCall,
  { path }: Letter,
  { attempt }: Begun,
): Promise<Status | null> {
  const { answer } = await administer(
    ports,
    unkeyed(call),
    async (now): Promise<Change<{ readonly status: Status | null }>> => {
      const [snapshot] = await ports.store.get([path]);
      const found = readRecord(reminderRecord, snapshot);
      // One that was forced since has taken its place, and nobody knows any more.
      const status = found?.record.attempt === attempt ? found.record.status : 'unknown';
      const act = actOf(call.licenseId, { status }, { status: 'sending' });
      if (found === undefined || status !== 'failed') return { answer: { status }, writes: [], act };
      const fields = { status: 'sending', started_at: now, ended_at: null };
      const demand = { version: found.version };
      return { answer: { status: null }, writes: [{ op: 'update', path, fields, demand }], act };
    },
  );
  return answer.status;
}

function send(mailer: Mailer, { license, end, to }: Letter) {
  const name = license.holder?.name ?? license.customer.name;
  return sendLetter(mailer, reminderMail(to, { product: license.product, name, expiresAt: end }));
}

/** The end of a letter joins the audit trail in the commit that stores it. */
async function finish(
  ports: Ports,
  call: RemindCall,
  { path }: Letter,
  { attempt }: Begun,
  status: Status,
): Promise<void> {
  await administer(ports, unkeyed(call), async (now) => {
    const [snapshot] = await ports.store.get([path]);
    const found = readRecord(reminderRecord, snapshot);
    const act = actOf(call.licenseId, { status: 'sending' }, { status });
    // The record is that of the last request; a letter that was forced meanwhile has an end of its own.
    if (found === undefined || found.record.attempt !== attempt) return { answer: {}, writes: [], act };
    const demand = { version: found.version };
    const write: Write = { op: 'update', path, fields: { status, ended_at: now }, demand };
    return { answer: {}, writes: [write], act };
  });
}

const unkeyed = ({ caller }: RemindCall) => ({
  caller,
  operation: 'licenses.remind',
  idempotencyKey: undefined,
  body: {},
});

const actOf = (target: string, before: Value | undefined, after: Value) => ({
  action: 'licenses.remind',
  target,
  before: before ?? null,
  after,
});

function standingOf(letter: Letter, status: Status): RemindResponse {
  return status === 'sent' ? answerOf(letter, false, 'already_sent') : outcomeOf(letter, status);
}

function outcomeOf(letter: Letter, status: Status): RemindResponse {
  return status === 'sent' ? answerOf(letter, true, null) : answerOf(letter, null, 'outcome_unknown');
}

function answerOf(
  { license, end }: Letter,
  sent: RemindResponse['sent'],
  reason: RemindResponse['reason'],
): RemindResponse {
  return { license_id: license.license_id, expires_at: formatInstant(end), sent, reason };
}
