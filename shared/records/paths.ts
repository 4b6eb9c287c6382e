/** Where each document lives. The only place that spells a path. */

const SEAT_DIGITS = 7;

export const LICENSES = 'licenses';
export const SESSIONS = 'sessions';
export const IDEMPOTENCY = 'idempotency';

export const licensePath = (license: string) => `${LICENSES}/${license}`;
export const seatsPath = (license: string) => `${licensePath(license)}/seats`;
export const sessionsPath = (license: string) => `${licensePath(license)}/${SESSIONS}`;
export const sessionPath = (license: string, hardware: string) => `${sessionsPath(license)}/${hardware}`;
export const idempotencyPath = (hash: string) => `${IDEMPOTENCY}/${hash}`;

/** The licence and the machine of a session's path. */
export function sessionAddress(path: string): { readonly license: string; readonly hardware: string } {
  const [, license = '', , hardware = ''] = path.split('/');
  return { license, hardware };
}

/** The key manifest that is served. */
export const MANIFEST_PATH = 'signing_keys/manifest';

/** The X.509 certificate of a key. A kid is a thumbprint, so it is never `manifest`. */
export const certificatePath = (kid: string) => `signing_keys/${kid}`;

/** Licence documents that were issued: one of a format and a key at most. */
export const DOCUMENTS = 'documents';
export const documentPath = (license: string, format: string, kid: string) =>
  `${licensePath(license)}/${DOCUMENTS}/${format}_${kid}`;

/** Documents that were sent by e-mail. */
export const deliveryPath = (license: string, id: string) => `${licensePath(license)}/deliveries/${id}`;

/** Letters that remind of an end: one for each instant at most. */
export const reminderPath = (license: string, end: number) => `${licensePath(license)}/reminders/${end}`;

export const AUDIT = 'audit';
/** Zero-padded, so that ids order as events do. */
export const auditPath = (seq: number) => `${AUDIT}/${String(seq).padStart(12, '0')}`;
/** The end of the chain of audit events. */
export const AUDIT_HEAD_PATH = 'audit_chain/head';

export const CUSTOMERS = 'customers';
export const customerPath = (id: string) => `${CUSTOMERS}/${customerSegment(id)}`;

/**
 * Stores keep segments like `__this__` for themselves, and a customer may have such an id. The mark is in no id, and is below
 * all that is in one, so the list stays in the order of ids.
 */
const MARK = ',';
export const customerSegment = (id: string) => (/^__.*__$/.test(id) ? `${id}${MARK}` : id);
/** The customer of a path. */
export const customerIdOf = (path: string) => path.slice(CUSTOMERS.length + 1).replace(MARK, '');

export const API_KEYS = 'api_keys';
export const apiKeyPath = (hash: string) => `${API_KEYS}/${hash}`;

export const usagePath = (license: string, hardware: string, generation: string) =>
  `usage/${license}_${hardware}_${generation}`;

/** Zero-padded, so that ids order as numbers do. */
export const seatId = (seat: number) => String(seat).padStart(SEAT_DIGITS, '0');
export const seatPath = (license: string, seat: number) => `${seatsPath(license)}/${seatId(seat)}`;

/** What activations belong to: a licence of ours, or one of another system that is not on record here. */
export const foreignLicensePath = (document: string) => `foreign_licenses/${document}`;
export const ACTIVATIONS = 'activations';
export const activationsPath = (holder: string) => `${holder}/${ACTIVATIONS}`;
export const activationPath = (holder: string, instance: string) => `${activationsPath(holder)}/${instance}`;
/** The licence of the path of an activation. */
export const holderOf = (activation: string) => activation.split('/').slice(0, 2).join('/');
export const slotsPath = (holder: string) => `${holder}/slots`;
/** As many digits as 2^53 has: a CAIO licence may allow any number of instances. */
export const slotId = (slot: number) => String(slot).padStart(16, '0');
export const slotPath = (holder: string, slot: number) => `${slotsPath(holder)}/${slotId(slot)}`;
