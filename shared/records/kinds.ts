/** Which record each collection holds, and whether a write leaves one that can be read. */
import type { z } from 'zod';
import type { Write } from '../ports/document-store.ts';
import { activationRecord, slotRecord } from './activation.ts';
import { apiKeyRecord } from './api-key.ts';
import { auditHeadRecord, auditRecord } from './audit.ts';
import { customerRecord } from './customer.ts';
import { deliveryRecord } from './delivery.ts';
import { documentRecord } from './document.ts';
import { idempotencyRecord } from './idempotency.ts';
import { licenseRecord } from './license.ts';
import { certificateRecord, manifestRecord } from './manifest.ts';
import { MANIFEST_PATH } from './paths.ts';
import { reminderRecord } from './reminder.ts';
import { seatRecord, sessionRecord } from './session.ts';
import { usageRecord } from './usage.ts';

/** By the collections of a path. */
const KINDS: ReadonlyMap<string, z.ZodObject> = new Map<string, z.ZodObject>([
  ['api_keys', apiKeyRecord],
  ['audit', auditRecord],
  ['audit_chain', auditHeadRecord],
  ['customers', customerRecord],
  ['foreign_licenses/activations', activationRecord],
  ['foreign_licenses/slots', slotRecord],
  ['idempotency', idempotencyRecord],
  ['licenses', licenseRecord],
  ['licenses/activations', activationRecord],
  ['licenses/deliveries', deliveryRecord],
  ['licenses/documents', documentRecord],
  ['licenses/reminders', reminderRecord],
  ['licenses/seats', seatRecord],
  ['licenses/sessions', sessionRecord],
  ['licenses/slots', slotRecord],
  ['signing_keys', certificateRecord],
  ['usage', usageRecord],
]);

/** The schema of the record at a path; undefined where nothing of ours belongs. */
export function kindOf(path: string): z.ZodObject | undefined {
  return path === MANIFEST_PATH ? manifestRecord : KINDS.get(collectionsOf(path));
}

/** A path without its ids, which may be whose it is: `licenses/sessions`. */
function collectionsOf(path: string): string {
  return path
    .split('/')
    .filter((_, place) => place % 2 === 0)
    .join('/');
}

/**
 * Why nobody could read the record that a write leaves, or undefined. It names the collection and members, never ids or
 * values. A collection that is not in the table is a problem too: a new kind of record has to be entered there.
 */
export function writeProblem(write: Write): string | undefined {
  if (write.op === 'delete') return undefined;
  const kind = kindOf(write.path);
  if (kind === undefined) return `no record is known of ${collectionsOf(write.path)}`;
  const members = write.op === 'set' ? unfitOf(kind, write.fields) : unfitMembers(kind, write.fields);
  if (members.length === 0) return undefined;
  return `a record of ${collectionsOf(write.path)} would not fit its schema: ${members.join(', ')}`;
}

function unfitOf(kind: z.ZodObject, fields: object): string[] {
  const { success, error } = kind.safeParse(fields);
  const unknown = Object.keys(fields).filter((name) => !Object.hasOwn(kind.shape, name));
  return success ? unknown : [...new Set(error.issues.map(({ path }) => path.join('.')))];
}

/** An update keeps the other members, which fitted when they were written. */
function unfitMembers(kind: z.ZodObject, fields: object): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const schema = Object.hasOwn(kind.shape, name) ? (kind.shape[name] as z.ZodType) : undefined;
    return schema?.safeParse(value).success ? [] : [name];
  });
}
