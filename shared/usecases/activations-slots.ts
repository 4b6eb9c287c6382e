/**
 * The instances that a licence allows, as documents: taking one is creating it, as with seats
 * (docs/adr/0001-seats-are-documents.md). So a race has one winner, and there are never more live activations than allowed.
 */
import { SLOT_WINDOW } from '../constants.ts';
import { ConflictError, DOCUMENT_ID, documentId, type Query } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { ActivationRecord } from '../records/activation.ts';
import { activationsPath, slotId, slotsPath } from '../records/paths.ts';
import { spread } from './free-seats.ts';

type Counting = Pick<Ports, 'store'>;

/** Whether an activation is one of the `max` that are allowed; the number may have been lowered since. */
export function isLive({ slot }: Pick<ActivationRecord, 'slot'>, max: number | null): boolean {
  return max === null || (slot !== null && slot < max);
}

/** How many instances are live. */
export async function countInstances({ store }: Counting, holder: string, max: number | null) {
  if (max !== null && max < 1) return 0;
  const query = max === null ? { collection: activationsPath(holder) } : slotsBetween(holder, 0, max);
  return (await store.aggregate(query)).count;
}

/**
 * A slot below `max` that was free a moment ago; undefined when all are taken. Licences allow few instances, so this is
 * a count and a query; of one that allows thousands and has few left, a query for each `SLOT_WINDOW`.
 * @throws ConflictError when the free ones were taken meanwhile: try again
 */
export async function findFreeSlot(
  ports: Counting,
  { holder, instance, attempt }: { holder: string; instance: string; attempt: number },
  max: number,
): Promise<number | undefined> {
  if ((await countInstances(ports, holder, max)) >= max) return undefined;
  // Different for each instance and attempt: those that race do not follow each other.
  const start = spread({ hardware: instance, attempt });
  const windows = Math.ceil(max / SLOT_WINDOW);
  for (let i = 0; i < windows; i++) {
    const first = ((start + i) % windows) * SLOT_WINDOW;
    const free = await freeBetween(ports, holder, first, Math.min(first + SLOT_WINDOW, max));
    if (free.length > 0) return free[start % free.length];
  }
  throw new ConflictError(undefined);
}

async function freeBetween({ store }: Counting, holder: string, first: number, end: number) {
  const taken = await store.query({ ...slotsBetween(holder, first, end), limit: end - first });
  const ids = new Set(taken.map(({ path }) => Number(documentId(path))));
  return Array.from({ length: end - first }, (_, i) => first + i).filter((slot) => !ids.has(slot));
}

function slotsBetween(holder: string, first: number, end: number): Query {
  return {
    collection: slotsPath(holder),
    where: [
      [DOCUMENT_ID, '>=', slotId(first)],
      [DOCUMENT_ID, '<', slotId(end)],
    ],
  };
}
