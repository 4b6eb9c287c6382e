/**
 * Re-issue: every active licence that one key has signed is signed anew by another one, with the same content. The old
 * documents stay on record.
 *
 * It walks through the documents of the old key, a page at a time, and looks beside each for that of the new key; its
 * place in the store allows one. So it can be killed and started again at any time, and two may run at once: what is
 * there is left alone.
 */

import type { JsonObject } from '../canonical/strict-json.ts';
import { MAINTENANCE_PARALLEL } from '../constants.ts';
import { licenseRefusal } from '../decide/license.ts';
import { ISSUED_FORMATS, type IssuedFormat } from '../formats/issued.ts';
import type { Query, Snapshot } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import type { Signer } from '../ports/signer.ts';
import { type DocumentRecord, documentRecord } from '../records/document.ts';
import { licenseRecord } from '../records/license.ts';
import { DOCUMENTS, documentPath, licensePath } from '../records/paths.ts';
import { formatInstant } from '../wire/document.ts';
import { storeOnce } from './issue-document.ts';
import { forEachPage } from './pages.ts';
import { readRecord } from './read.ts';

/** What became of one document of the old key. */
export interface Reissued {
  readonly outcome: 'signed' | 'signed_before' | 'would_sign' | 'skipped';
  /** Why it was skipped: the licence is gone, expired, revoked or suspended, or its format is never issued. */
  readonly reason: string | null;
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

type Reissuing = Pick<Ports, 'store' | 'clock'>;

/** How many documents the old key has on record. */
export async function countDocuments({ store }: Pick<Ports, 'store'>, kid: string): Promise<number> {
  return (await store.aggregate(documentsOf(kid))).count;
}

/** @throws CountersignError `signing_unavailable`, `store_unavailable`; starting again goes on where it stopped */
export async function reissue(ports: Reissuing, options: ReissueOptions): Promise<void> {
  const pace = createPace(ports, options.rate);
  await forEachPage(ports.store, documentsOf(options.from), async (page) => {
    const works = await readPage(ports, options, page);
    for (const reissued of await inOrder(works, (work) => reissueOne(ports, options, pace, work)))
      await options.onReissued(reissued);
    return true;
  });
}

/** Ordered by when they were issued, which nothing changes while the walk goes on. */
function documentsOf(kid: string): Query {
  return { group: DOCUMENTS, where: [['kid', '==', kid]], orderBy: [['issued_at', 'asc']] };
}

interface Work {
  readonly licenseHash: string;
  readonly old: DocumentRecord;
  /** Why it is not signed anew. */
  readonly refusal: string | undefined;
  readonly found: DocumentRecord | undefined;
}

/** Licences and new documents of a whole page in one round trip. */
async function readPage(
  { store, clock }: Reissuing,
  { signer }: ReissueOptions,
  page: readonly Snapshot[],
): Promise<Work[]> {
  const olds = page.map((snapshot) => ({
    licenseHash: snapshot.path.split('/')[1] ?? '',
    old: readRecord(documentRecord, snapshot)?.record as DocumentRecord,
  }));
  const paths = olds.flatMap(({ licenseHash, old }) => [
    licensePath(licenseHash),
    documentPath(licenseHash, old.format, signer.kid),
  ]);
  const found = await store.get(paths);
  const now = clock.now();
  return olds.map(({ licenseHash, old }, i) => {
    const license = readRecord(licenseRecord, found[2 * i])?.record;
    const refusal = license === undefined ? 'license_not_found' : licenseRefusal(license, now)?.code;
    return { licenseHash, old, refusal, found: readRecord(documentRecord, found[2 * i + 1])?.record };
  });
}

async function reissueOne(
  ports: Reissuing,
  { signer, isDryRun, from }: ReissueOptions,
  pace: () => Promise<void>,
  { licenseHash, old, refusal, found }: Work,
): Promise<Reissued> {
  if (found !== undefined) return { outcome: 'signed_before', reason: null, old, new: found };
  if (refusal !== undefined) return { outcome: 'skipped', reason: refusal, old, new: null };
  const format = ISSUED_FORMATS[old.format];
  if (format.name === 'caio-v1') return { outcome: 'skipped', reason: 'format_not_issued', old, new: null };
  if (isDryRun) return { outcome: 'would_sign', reason: null, old, new: null };
  await pace();
  const issuedAt = ports.clock.now();
  const payload = againAt[format.name](format.takeApart(old.text).payload, issuedAt);
  const text = await signed(format as IssuedFormat<JsonObject>, payload, signer);
  const document = { ...old, kid: signer.kid, text, issued_at: issuedAt, replaces: from };
  return { outcome: 'signed', reason: null, old, new: await storeOnce(ports, licenseHash, document) };
}

async function signed(
  format: IssuedFormat<JsonObject>,
  payload: JsonObject,
  signer: Signer,
): Promise<string> {
  return format.encode(payload, await signer.sign(format.signedBytes(payload, signer)));
}

/** The same content, issued at another time. A format that names its key in the payload gets it from the signer. */
const againAt = {
  aegis: (claims, now) => ({ ...claims, iat: Math.floor(now / 1000) }),
  'caio-v2': (claims, now) => ({ ...claims, issued_at: formatInstant(now) }),
  dtlic2: ({ kid: _, ...claims }, now) => ({ ...claims, issued_at: formatInstant(now) }),
} as const satisfies Record<string, (claims: JsonObject, now: number) => JsonObject>;

/** A few at once, answered in the order of the items. */
async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  const worker = async () => {
    for (const [place, item] of waiting) results[place] = await work(item);
  };
  await Promise.all(Array.from({ length: MAINTENANCE_PARALLEL }, worker));
  return results;
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
