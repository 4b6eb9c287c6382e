/**
 * What becomes of one document of the old key. The licence decides, as it is on record now: a document of before may name
 * another customer, or promise more than holds.
 */
import { endProblem, type IssuableFormat } from '../decide/issue.ts';
import { licenseRefusal } from '../decide/license.ts';
import { DocumentError } from '../formats/format.ts';
import { ISSUED_FORMATS } from '../formats/issued.ts';
import { OperatorError } from '../operator-error.ts';
import type { Ports } from '../ports/ports.ts';
import type { Signer } from '../ports/signer.ts';
import { type DocumentRecord, documentRecord } from '../records/document.ts';
import type { LicenseRecord } from '../records/license.ts';
import { DOCUMENTS, documentPath, licensePath } from '../records/paths.ts';
import type { Versioned } from '../records/versioned.ts';
import type { IssuedLicense } from '../wire/issued.ts';
import { RENDERINGS, saysWhatHolds, type Terms } from './issue-document.ts';
import { readOr } from './read.ts';
import { namesAnother } from './validate-on-record.ts';

/** A document of the old key with what is on record beside it. */
export interface Found {
  readonly old: DocumentRecord;
  /** L of the licence's path. */
  readonly licenseHash: string;
  readonly license: Versioned<LicenseRecord> | undefined;
  /** What the new key has signed first in this format. Whatever else it has signed is there only beside this one. */
  readonly first: DocumentRecord | undefined;
  /** Whether one of the records cannot be read. */
  readonly isDamaged: boolean;
}

export type Plan =
  | { readonly what: 'skip'; readonly reason: string }
  /** The new key has signed it already. */
  | { readonly what: 'keep'; readonly document: DocumentRecord; readonly customerId: string }
  | ToSign;

export interface ToSign {
  readonly what: 'sign';
  readonly format: IssuableFormat;
  /** `issuedAt` is the earliest that the new document may say. */
  readonly terms: Terms;
  readonly customerId: string;
  readonly licensePath: string;
  /** Of the licence's record that the terms are of. */
  readonly version: string;
  /** Where the new document goes; its place allows one. */
  readonly path: string;
}

/** @throws CountersignError `store_unavailable` */
export async function planFor(
  { store, clock }: Pick<Ports, 'store' | 'clock'>,
  signer: Pick<Signer, 'kid' | 'algorithm'>,
  found: Found,
): Promise<Plan> {
  const read = readOld(found, signer, clock.now());
  if (typeof read === 'string') return { what: 'skip', reason: read };
  const { old, licenseHash, first } = found;
  const path = documentPath(licenseHash, old.format, signer.kid);
  if (first === undefined) return signing(found, read, path, old);
  if (holds(first, old, read)) return keeping(first, read);
  const documents = await documentsIn(store, licenseHash, read.format);
  if (documents === undefined) return { what: 'skip', reason: 'record_damaged' };
  const own = documents.find(({ kid }) => kid === signer.kid);
  if (own !== undefined && holds(own, old, read)) return keeping(own, read);
  const newest = documents[0] ?? old;
  return signing(found, read, `${path}_after_${newest.issued_at}`, newest);
}

/** What can be signed anew. */
interface Read {
  readonly format: IssuableFormat;
  readonly license: Versioned<LicenseRecord>;
  /** What the old document says. */
  readonly said: IssuedLicense;
}

/** Or why nothing is signed in place of the old document. */
function readOld(
  { old, license, isDamaged }: Found,
  { algorithm }: Pick<Signer, 'algorithm'>,
  now: number,
): Read | string {
  if (isDamaged) return 'record_damaged';
  if (license === undefined) return 'license_not_found';
  const refusal = licenseRefusal(license.record, now);
  if (refusal !== undefined) return refusal.code;
  if (license.record.unverified) return 'license_unverified';
  const { format, text } = old;
  if (format === 'caio-v1') return 'format_not_issued';
  if (RENDERINGS[format].algorithmOf(license.record) !== algorithm) return 'algorithm_mismatch';
  try {
    const said = ISSUED_FORMATS[format].decode(text).license;
    return namesAnother(said, license.record) ? 'license_transferred' : { format, license, said };
  } catch (error) {
    if (error instanceof DocumentError) return error.code;
    throw error;
  }
}

/** Whether a document of the new key says what the licence says now. The old one has superseded what is older than itself. */
function holds(document: DocumentRecord, old: DocumentRecord, { license }: Read): boolean {
  if (document.issued_at < old.issued_at) return false;
  try {
    return saysWhatHolds(document, license.record);
  } catch (error) {
    if (error instanceof DocumentError) return false;
    throw error;
  }
}

/** All of the licence in a format, newest first; undefined when a record is damaged. */
async function documentsIn(
  store: Ports['store'],
  licenseHash: string,
  format: IssuableFormat,
): Promise<DocumentRecord[] | undefined> {
  const snapshots = await store.query({ collection: `${licensePath(licenseHash)}/${DOCUMENTS}` });
  const all = snapshots.flatMap((snapshot) => readOr(documentRecord, snapshot, () => {})?.record ?? []);
  if (all.length < snapshots.length) return undefined;
  return all
    .filter((document) => document.format === format)
    .sort((one, other) => other.issued_at - one.issued_at);
}

/** Issuer and licence key stay those that the old document names, whatever is configured where the command runs. */
function signing(
  { licenseHash }: Found,
  { format, license, said }: Read,
  path: string,
  newest: DocumentRecord,
): Plan {
  const terms = {
    license: license.record,
    issuer: said.issuer ?? '',
    issuedAt: newest.issued_at + 1,
    licenseKey: format === 'dtlic2' ? (said.licenseId ?? undefined) : undefined,
  };
  if (!canHold(format, terms)) return { what: 'skip', reason: 'format_cannot_hold' };
  const customerId = license.record.customer.id;
  const { version } = license;
  return {
    what: 'sign',
    format,
    terms,
    customerId,
    licensePath: licensePath(licenseHash),
    version,
    path,
  };
}

/** Found out before anything is asked of the KMS. */
function canHold(format: IssuableFormat, terms: Terms): boolean {
  if (endProblem(terms.license) !== undefined) return false;
  try {
    RENDERINGS[format].check(terms);
    return true;
  } catch (error) {
    if (error instanceof OperatorError || error instanceof TypeError) return false;
    throw error;
  }
}

const keeping = (document: DocumentRecord, { license }: Read): Plan => ({
  what: 'keep',
  document,
  customerId: license.record.customer.id,
});
