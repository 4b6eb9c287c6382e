/**
 * Re-issue: every active licence that one key has signed is signed anew by another one, as it is on record now. The old
 * documents stay on record.
 *
 * It walks through the documents of the old key, a page at a time, and looks beside each for what the new key has signed. One
 * that is older than the document of the old key does not count: the old key was made active again and has signed since. So
 * it can be killed and started again at any time, and two may run at once: what is there is left alone.
 */

import { MAINTENANCE_PARALLEL } from '../constants.ts';
import { ConflictError, type Query, type Snapshot } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { Signer } from '../ports/signer.ts';
import { type DocumentRecord, documentRecord } from '../records/document.ts';
import { licenseRecord } from '../records/license.ts';
import { DOCUMENTS, documentPath, licensePath } from '../records/paths.ts';
import { documentOf, RENDERINGS } from './issue-document.ts';
import { forEachPage } from './pages.ts';
import { readOr } from './read.ts';
import { type Found, planFor, type ToSign } from './reissue-plan.ts';
import { retryCommits } from './retry.ts';

/** What became of one document of the old key. */
export interface Reissued {
  readonly outcome: 'signed' | 'signed_before' | 'would_sign' | 'skipped';
  /**
   * Why it was skipped: the licence is gone, expired, revoked or suspended, was imported unverified, or has another customer or
   * holder by now than the document names (`license_transferred`); its format is never issued, does not have the algorithm of the new key, or
   * cannot hold the licence any more; a newer document of the old key has superseded it; a record is damaged.
   */
  readonly reason: string | null;
  /** Whose licence it is; of a document that was skipped, whose it was when that was signed. */
  readonly customerId: string;
  readonly old: DocumentRecord;
  readonly new: DocumentRecord | null;
}

export interface ReissueOptions {
  readonly from: string;
  /** The key that signs; its own kid is where the documents go to. */
  readonly signer: Signer;
  /** Signs nothing. */
  readonly isDryRun: boolean;
  /** Signatures a second, at most. */
  readonly rate: number;
  /** Told of each document, in the order of the walk. */
  readonly onReissued: (reissued: Reissued) => void | Promise<void>;
}

type Reissuing = Pick<Ports, 'store' | 'clock' | 'random'>;

/** How many documents the old key has on record. */
export async function countDocuments({ store }: Pick<Ports, 'store'>, kid: string): Promise<number> {
  return (await store.aggregate(documentsOf(kid))).count;
}

/**
 * A document whose record is damaged keeps it from none of the others; that is thrown at the end.
 * @throws CountersignError `signing_unavailable`, `store_unavailable`; starting again goes on where it stopped
 */
export async function reissue(ports: Reissuing, options: ReissueOptions): Promise<void> {
  const pace = createPace(ports, options.rate);
  const met = new Set<string>();
  const damage: unknown[] = [];
  await forEachPage(ports.store, documentsOf(options.from), async (page) => {
    const works = await readPage(ports, options, page, { damage, met });
    const { done, failures } = await inOrder(works, (work) => reissueOne(ports, options, pace, work));
    for (const reissued of done) await options.onReissued(reissued);
    if (failures.length > 0) throw failures[0];
    return true;
  });
  if (damage.length > 0) throw damage[0];
}

/** The newest first, by when they were issued, which nothing changes while the walk goes on. */
function documentsOf(kid: string): Query {
  return { group: DOCUMENTS, where: [['kid', '==', kid]], orderBy: [['issued_at', 'desc']] };
}

/** Undefined for a document that a newer one of the same key has superseded. */
type Work = { readonly old: DocumentRecord; readonly found: Found | undefined };

/** Of a licence that was renewed under the old key there are several. The newest says what holds, and is met first. */
async function readPage(
  ports: Reissuing,
  { signer }: ReissueOptions,
  page: readonly Snapshot[],
  { damage, met }: { readonly damage: unknown[]; readonly met: Set<string> },
): Promise<Work[]> {
  const olds = page.flatMap((snapshot) => {
    const old = readOr(documentRecord, snapshot, (error) => damage.push(error))?.record;
    if (old === undefined) return [];
    const licenseHash = snapshot.path.split('/')[1] ?? '';
    const place = `${licenseHash}/${old.format}`;
    const isSuperseded = met.has(place);
    met.add(place);
    return [{ old, licenseHash, isSuperseded }];
  });
  const found = await readBeside(ports, signer, olds);
  return olds.map(({ old, isSuperseded }, i) => ({ old, found: isSuperseded ? undefined : found[i] }));
}

/** Licences and first documents of the new key, all in one round trip. */
async function readBeside(
  { store }: Pick<Reissuing, 'store'>,
  { kid }: Signer,
  olds: readonly Pick<Found, 'old' | 'licenseHash'>[],
): Promise<Found[]> {
  const snapshots = await store.get(
    olds.flatMap(({ old, licenseHash }) => [
      licensePath(licenseHash),
      documentPath(licenseHash, old.format, kid),
    ]),
  );
  return olds.map(({ old, licenseHash }, i) => {
    let isDamaged = false;
    const onDamage = () => {
      isDamaged = true;
    };
    const license = readOr(licenseRecord, snapshots[2 * i], onDamage);
    const first = readOr(documentRecord, snapshots[2 * i + 1], onDamage)?.record;
    return { old, licenseHash, license, first, isDamaged };
  });
}

/** A licence that changes between reading and storing is decided anew: what was signed for it meanwhile is nobody's. */
async function reissueOne(
  ports: Reissuing,
  options: ReissueOptions,
  pace: () => Promise<void>,
  { old, found }: Work,
): Promise<Reissued> {
  const { signer, isDryRun } = options;
  const skipped = { outcome: 'skipped', customerId: old.customer_id, old, new: null } as const;
  let signed: DocumentRecord | undefined;
  for (let now = found; now !== undefined; [now] = await readBeside(ports, signer, [now])) {
    const plan = await planFor(ports, signer, now);
    if (plan.what === 'skip') return { ...skipped, reason: plan.reason };
    const { customerId } = plan;
    const told = { reason: null, customerId, old };
    if (plan.what === 'keep') {
      const isOwn = plan.document.text === signed?.text;
      return { ...told, outcome: isOwn ? 'signed' : 'signed_before', new: plan.document };
    }
    if (isDryRun) return { ...told, outcome: 'would_sign', new: null };
    await pace();
    signed = await sign(ports, options, plan);
    if (await storeUnlessChanged(ports, plan, signed)) return { ...told, outcome: 'signed', new: signed };
  }
  return { ...skipped, reason: 'superseded' };
}

async function sign(
  { clock }: Pick<Reissuing, 'clock'>,
  { signer, from }: ReissueOptions,
  { format, terms }: ToSign,
): Promise<DocumentRecord> {
  // The newest is the one that counts, also where the clock that the one before was issued by was fast.
  const issued = { ...terms, issuedAt: Math.max(clock.now(), terms.issuedAt) };
  const keys = {
    sign: (_: unknown, makeMessage: (key: Signer) => Uint8Array) => signer.sign(makeMessage(signer)),
  };
  return { ...documentOf(format, issued, await RENDERINGS[format].sign(keys, issued)), replaces: from };
}

/**
 * False when the licence is not as it was read any more, or its place is taken. So a commit that was not confirmed is sent
 * again: it happens once.
 */
function storeUnlessChanged(
  ports: Reissuing,
  { path, licensePath: license, version, terms }: ToSign,
  document: DocumentRecord,
): Promise<boolean> {
  // Demands that the licence is unchanged, and leaves it so.
  const fields = { updated_at: terms.license.updated_at };
  return retryCommits(ports, async () => {
    try {
      await ports.store.commit([
        { op: 'set', path, fields: document, demand: 'absent' },
        { op: 'update', path: license, fields, demand: { version } },
      ]);
      return true;
    } catch (error) {
      if (error instanceof ConflictError) return false;
      throw error;
    }
  });
}

/**
 * A few at once; what is done, in the order of the items. After a failure nothing is begun, and what was begun is ended and
 * told too: it has happened.
 */
async function inOrder<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<{ readonly done: readonly R[]; readonly failures: readonly unknown[] }> {
  const results: (readonly R[])[] = items.map(() => []);
  const failures: unknown[] = [];
  const waiting = items.entries();
  const worker = async () => {
    for (const [place, item] of waiting) {
      if (failures.length > 0) return;
      try {
        results[place] = [await work(item)];
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: MAINTENANCE_PARALLEL }, worker));
  return { done: results.flat(), failures };
}

/** Resolves when the next signature may be asked for. */
function createPace({ clock }: Pick<Ports, 'clock'>, rate: number): () => Promise<void> {
  const intervalMs = 1000 / rate;
  let nextAt = clock.now();
  return async () => {
    const now = clock.now();
    // What was not used in time is not made up for: a quota counts every second anew.
    const turn = Math.max(now, nextAt);
    nextAt = turn + intervalMs;
    if (turn > now) await clock.pause(turn - now);
  };
}
