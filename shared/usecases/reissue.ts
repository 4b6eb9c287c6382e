/**
 * Re-issue: every active licence that one key has signed is signed anew by another one, with the same content. The old
 * documents stay on record.
 *
 * It walks through the documents of the old key, a page at a time, and looks beside each for that of the new key; its
 * place in the store allows one. One that is older than the document of the old key does not count: the old key was made
 * active again and has signed another content since. So it can be killed and started again at any time, and two may run at once: what is
 * there is left alone.
 */

import type { z } from 'zod';
import type { JsonObject } from '../canonical/strict-json.ts';
import { MAINTENANCE_PARALLEL } from '../constants.ts';
import { licenseRefusal } from '../decide/license.ts';
import { DocumentError } from '../formats/format.ts';
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
  /**
   * Why it was skipped: the licence is gone, expired, revoked or suspended, its format is never issued, or a newer document
   * of the old key has superseded it.
   */
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
    for (const reissued of await inOrder(works, (work) => reissueOne(ports, options, pace, work)))
      await options.onReissued(reissued);
    return true;
  });
  if (damage.length > 0) throw damage[0];
}

/** The newest first, by when they were issued, which nothing changes while the walk goes on. */
function documentsOf(kid: string): Query {
  return { group: DOCUMENTS, where: [['kid', '==', kid]], orderBy: [['issued_at', 'desc']] };
}

interface Work {
  readonly old: DocumentRecord;
  /** Why it is not signed anew. */
  readonly refusal: string | undefined;
  readonly found: DocumentRecord | undefined;
  /** Where the new document goes. */
  readonly path: string;
}

/** Licences and new documents of a whole page in one round trip. */
async function readPage(
  { store, clock }: Reissuing,
  { signer }: ReissueOptions,
  page: readonly Snapshot[],
  { damage, met }: { readonly damage: unknown[]; readonly met: Set<string> },
): Promise<Work[]> {
  const olds = page.flatMap((snapshot) => {
    const old = readOr(documentRecord, snapshot, (error) => damage.push(error));
    return old === undefined ? [] : [{ licenseHash: snapshot.path.split('/')[1] ?? '', old }];
  });
  const paths = olds.flatMap(({ licenseHash, old }) => {
    const first = documentPath(licenseHash, old.format, signer.kid);
    return [licensePath(licenseHash), first, `${first}_after_${old.issued_at}`];
  });
  const found = await store.get(paths);
  const now = clock.now();
  return olds.map(({ licenseHash, old }, i) => {
    const place = `${licenseHash}/${old.format}`;
    // A licence that was renewed under the old key has several; the newest says what holds.
    if (met.has(place)) return { old, refusal: 'superseded', found: undefined, path: '' };
    met.add(place);
    let isDamaged = false;
    const onDamage = () => {
      isDamaged = true;
    };
    const license = readOr(licenseRecord, found[3 * i], onDamage);
    const first = readOr(documentRecord, found[3 * i + 1], onDamage);
    const later = readOr(documentRecord, found[3 * i + 2], onDamage);
    const refusal = license === undefined ? 'license_not_found' : licenseRefusal(license, now)?.code;
    const isBefore = first !== undefined && first.issued_at < old.issued_at;
    return {
      old,
      refusal: isDamaged ? 'record_damaged' : refusal,
      found: isBefore ? later : first,
      path: paths[3 * i + (isBefore ? 2 : 1)] ?? '',
    };
  });
}

/** Undefined for a record that is absent or damaged. */
function readOr<T>(
  schema: z.ZodType<T>,
  snapshot: Snapshot | undefined,
  onDamage: (error: unknown) => void,
): T | undefined {
  try {
    return readRecord(schema, snapshot)?.record;
  } catch (error) {
    onDamage(error);
    return undefined;
  }
}

async function reissueOne(
  ports: Reissuing,
  { signer, isDryRun, from }: ReissueOptions,
  pace: () => Promise<void>,
  { old, refusal, found, path }: Work,
): Promise<Reissued> {
  if (found !== undefined) return { outcome: 'signed_before', reason: null, old, new: found };
  const problem = refusal ?? formatProblem(old, signer);
  if (problem !== undefined) return { outcome: 'skipped', reason: problem, old, new: null };
  if (isDryRun) return { outcome: 'would_sign', reason: null, old, new: null };
  await pace();
  // The newest is the one that counts, also where the clock that the old one was issued by was fast.
  const issuedAt = Math.max(ports.clock.now(), old.issued_at + 1);
  const { format, payload } = contentOf(old, issuedAt);
  const text = format.encode(payload, await signer.sign(format.signedBytes(payload, signer)));
  const document = { ...old, kid: signer.kid, text, issued_at: issuedAt, replaces: from };
  return { outcome: 'signed', reason: null, old, new: await storeOnce(ports, path, document) };
}

/** Why the key can never sign this document anew; found out before anything is asked of its KMS. */
function formatProblem(old: DocumentRecord, signer: Signer): string | undefined {
  if (old.format === 'caio-v1') return 'format_not_issued';
  try {
    const { format, payload } = contentOf(old, old.issued_at);
    format.signedBytes(payload, signer);
    return undefined;
  } catch (error) {
    if (error instanceof DocumentError) return error.code;
    if (error instanceof TypeError) return 'format_cannot_hold';
    throw error;
  }
}

/** @throws DocumentError */
function contentOf(
  { format: name, text }: DocumentRecord,
  issuedAt: number,
): { format: IssuedFormat<JsonObject>; payload: JsonObject } {
  const format = ISSUED_FORMATS[name];
  if (format.name === 'caio-v1') throw new TypeError('CAIO v1 is read and never written');
  const payload = againAt[format.name](format.takeApart(text).payload, issuedAt);
  return { format: format as IssuedFormat<JsonObject>, payload };
}

/** The same content, issued at another time. A format that names its key in the payload gets it from the signer. */
const againAt = {
  aegis: (claims, now) => ({ ...claims, iat: Math.floor(now / 1000) }),
  'caio-v2': (claims, now) => ({ ...claims, issued_at: formatInstant(now) }),
  dtlic2: ({ kid: _, ...claims }, now) => ({ ...claims, issued_at: formatInstant(now) }),
} as const satisfies Record<string, (claims: JsonObject, now: number) => JsonObject>;

/** A few at once, answered in the order of the items. After a failure nothing is begun, and what was begun is ended. */
async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  const waiting = items.entries();
  const worker = async () => {
    for (const [place, item] of waiting) {
      if (failures.length > 0) return;
      try {
        results[place] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: MAINTENANCE_PARALLEL }, worker));
  if (failures.length > 0) throw failures[0];
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
