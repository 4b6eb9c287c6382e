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

/** Zero-padded milliseconds and random bytes, so that ids order by time. */
export const auditPath = (at: number, random: Uint8Array) =>
  `audit/${String(at).padStart(15, '0')}_${Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;

export const usagePath = (license: string, hardware: string, generation: string) =>
  `usage/${license}_${hardware}_${generation}`;

/** Zero-padded, so that ids order as numbers do. */
export const seatId = (seat: number) => String(seat).padStart(SEAT_DIGITS, '0');
export const seatPath = (license: string, seat: number) => `${seatsPath(license)}/${seatId(seat)}`;
