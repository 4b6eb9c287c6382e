/**
 * Finds a free seat among taken ones, with as many calls for ten thousand seats as for ten: one count, then one query
 * over a window of ids that is wide enough to hold a free one. Only where less than one seat in a hundred is free are
 * there counts of halves in between.
 *
 * The count is remembered. It decides only whether a signature is worth asking for before the commit has succeeded;
 * seats are never granted from it.
 */
import { ENOUGH_FREE_SEATS, FREE_SEATS_TTL_SECONDS, MAX_SEAT_WINDOW, MIN_SEAT_WINDOW } from '../constants.ts';
import {
  ConflictError,
  DOCUMENT_ID,
  type DocumentStore,
  documentId,
  type Query,
} from '../ports/document-store.ts';
import type { InstanceMemory } from '../ports/memory.ts';
import type { Ports } from '../ports/ports.ts';
import { seatId, seatsPath } from '../records/paths.ts';

interface Seeker {
  readonly licenseHash: string;
  readonly hardware: string;
  readonly now: number;
  readonly attempt: number;
}

/** Seat numbers from `first` to before `end`, of which about `free` are free. */
interface Range {
  readonly first: number;
  readonly end: number;
  readonly free: number;
}

/** A different number for every machine and attempt, so that machines that race do not follow each other. */
export function spread({ hardware, attempt }: Pick<Seeker, 'hardware' | 'attempt'>): number {
  return (Number.parseInt(hardware.slice(0, 8), 16) + attempt * 0x9e3779b1) >>> 0;
}

/**
 * A seat that was free a moment ago; undefined when all are taken.
 * @throws ConflictError when the free ones were taken meanwhile, or are elsewhere than it looked: try again
 */
export async function findFreeSeat(ports: Ports, seeker: Seeker, seats: number): Promise<number | undefined> {
  const free = await countFree(ports, seeker, seats);
  if (free <= 0) return undefined;
  const range = await narrow(ports.store, seeker, { first: 0, end: seats, free });
  const window = windowOf(range, seeker);
  const found = await freeSeatsOf(ports.store, seeker, window);
  if (found.length === 0) throw new ConflictError(undefined);
  return found[spread(seeker) % found.length];
}

/** Counts the free seats of a licence, and remembers the number. */
export async function countFree(
  { store, memory }: Pick<Ports, 'store' | 'memory'>,
  { licenseHash, now }: Pick<Seeker, 'licenseHash' | 'now'>,
  seats: number,
): Promise<number> {
  const free = seats - (await countTaken(store, licenseHash, 0, seats));
  memory.freeSeats.set(licenseHash, { free, countedAt: now });
  return free;
}

/** How many seats of a licence are free as far as this instance knows; undefined when it does not. */
export function believedFree(
  { freeSeats }: InstanceMemory,
  license: string,
  now: number,
): number | undefined {
  const known = freeSeats.get(license);
  if (known === undefined || now >= known.countedAt + FREE_SEATS_TTL_SECONDS * 1000) return undefined;
  return known.free;
}

/** Takes a seat off the belief, before it is asked for: requests at once must not all count on the same one. */
export function expectGrant({ freeSeats }: InstanceMemory, license: string): void {
  const known = freeSeats.get(license);
  if (known !== undefined) freeSeats.set(license, { ...known, free: known.free - 1 });
}

/** Halves the range, in favour of where more is free, until a window of it promises enough. */
async function narrow(store: DocumentStore, seeker: Seeker, range: Range): Promise<Range> {
  const { first, end, free } = range;
  const size = end - first;
  if (size <= MAX_SEAT_WINDOW || (free * MAX_SEAT_WINDOW) / size >= ENOUGH_FREE_SEATS) return range;
  const middle = first + Math.floor(size / 2);
  const lower = middle - first - (await countTaken(store, seeker.licenseHash, first, middle));
  const half =
    spread(seeker) % free < lower
      ? { first, end: middle, free: lower }
      : { first: middle, end, free: free - lower };
  if (half.free <= 0) throw new ConflictError(undefined);
  return narrow(store, seeker, half);
}

/** Somewhere in the range, and just wide enough. */
function windowOf({ first, end, free }: Range, seeker: Seeker): { first: number; end: number } {
  const size = end - first;
  const wanted = Math.ceil((ENOUGH_FREE_SEATS * size) / free);
  const width = Math.min(size, Math.max(MIN_SEAT_WINDOW, Math.min(wanted, MAX_SEAT_WINDOW)));
  const start = first + (spread(seeker) % (size - width + 1));
  return { first: start, end: start + width };
}

async function freeSeatsOf(
  store: DocumentStore,
  { licenseHash }: Seeker,
  { first, end }: { first: number; end: number },
): Promise<number[]> {
  const taken = await store.query({ ...seatsBetween(licenseHash, first, end), limit: end - first });
  const ids = new Set(taken.map(({ path }) => Number(documentId(path))));
  return Array.from({ length: end - first }, (_, i) => first + i).filter((seat) => !ids.has(seat));
}

async function countTaken(
  store: DocumentStore,
  licenseHash: string,
  first: number,
  end: number,
): Promise<number> {
  return (await store.aggregate(seatsBetween(licenseHash, first, end))).count;
}

function seatsBetween(licenseHash: string, first: number, end: number): Query {
  return {
    collection: seatsPath(licenseHash),
    where: [
      [DOCUMENT_ID, '>=', seatId(first)],
      [DOCUMENT_ID, '<', seatId(end)],
    ],
  };
}
