/** Where each document lives. The only place that spells a path. */

const SEAT_DIGITS = 7;

export const licensePath = (license: string) => `licenses/${license}`;
export const seatsPath = (license: string) => `licenses/${license}/seats`;
export const sessionsPath = (license: string) => `licenses/${license}/sessions`;
export const sessionPath = (license: string, hardware: string) => `${sessionsPath(license)}/${hardware}`;
export const idempotencyPath = (hash: string) => `idempotency/${hash}`;

export const usagePath = (license: string, hardware: string, generation: string) =>
  `usage/${license}_${hardware}_${generation}`;

/** Zero-padded, so that ids order as numbers do. */
export const seatId = (seat: number) => String(seat).padStart(SEAT_DIGITS, '0');
export const seatPath = (license: string, seat: number) => `${seatsPath(license)}/${seatId(seat)}`;
