/**
 * Documents of one licence: handed out again as they were signed, and signed anew when the licence says something else by
 * now. Signing comes after the commit of what is signed, so it can be repeated and never runs ahead.
 */

import type { Caller } from '../access/caller.ts';
import { endProblem, type IssuableFormat } from '../decide/issue.ts';
import { LICENSE_NOT_FOUND, licenseRefusal } from '../decide/license.ts';
import { CountersignError } from '../errors.ts';
import { dtlic2 } from '../formats/dtlic2.ts';
import { normalizeLicenseKey } from '../license-key.ts';
import { OperatorError } from '../operator-error.ts';
import type { Fields } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type DocumentRecord, documentRecord } from '../records/document.ts';
import type { LicenseRecord } from '../records/license.ts';
import { DOCUMENTS, documentPath, licensePath } from '../records/paths.ts';
import type { LicenseDocument } from '../wire/admin-licenses.ts';
import { formatInstant } from '../wire/document.ts';
import { type AdminRequest, administer, type Change } from './administer.ts';
import { type LicenseRequest, readLicense } from './edit-license.ts';
import { findLicense } from './find-license.ts';
import { documentOf, RENDERINGS, type Terms } from './issue-document.ts';
import { readRecord } from './read.ts';
import { refused } from './refused.ts';
import type { Settings } from './settings.ts';

/** Newest first. @throws CountersignError `store_unavailable` */
export async function documentsOf(
  { store }: Pick<Ports, 'store'>,
  licenseHash: string,
): Promise<DocumentRecord[]> {
  const found = await store.query({ collection: `${licensePath(licenseHash)}/${DOCUMENTS}` });
  return found
    .flatMap((snapshot) => readRecord(documentRecord, snapshot)?.record ?? [])
    .sort((one, other) => other.issued_at - one.issued_at);
}

/** @throws CountersignError `license_not_found`, `store_unavailable` */
export async function listDocuments(
  ports: Ports,
  caller: Caller,
  licenseId: string,
  format: IssuableFormat | undefined,
): Promise<LicenseDocument[]> {
  const { hash } = await findLicense(ports, caller, licenseId);
  const documents = await documentsOf(ports, hash);
  return documents.filter((document) => format === undefined || document.format === format).map(documentView);
}

export function documentView(document: DocumentRecord): LicenseDocument {
  return {
    license_id: document.license_id,
    format: document.format,
    key_id: document.kid,
    issued_at: formatInstant(document.issued_at),
    replaces: document.replaces,
    document: document.text,
  };
}

/**
 * The licence in a format, signed by the active key unless such a document is there.
 * @throws CountersignError `license_not_found`, `license_revoked`, `license_suspended`, `license_expired`, `invalid_request`
 * when the format cannot hold the licence, `idempotency_conflict`, `signing_unavailable`, `store_unavailable`
 */
export async function issueDocument(
  ports: Ports,
  settings: Settings,
  { caller, licenseId, idempotencyKey, body }: LicenseRequest,
  { format, licenseKey }: { readonly format: IssuableFormat; readonly licenseKey: string | undefined },
): Promise<{ readonly document: LicenseDocument; readonly replayed: boolean }> {
  const { hash, record } = await findLicense(ports, caller, licenseId);
  const refusal = licenseRefusal(record, ports.clock.now());
  if (refusal !== undefined) throw refused(refusal);
  if (licenseKey !== undefined && ports.hasher.hash('license', normalizeLicenseKey(licenseKey)) !== hash)
    throw unholdable('This is not the key of this licence.', 'license_key');
  const request = { caller, idempotencyKey, operation: `documents.issue ${licenseId}`, body };
  const { document, replayed } = await mint(ports, settings, request, {
    hash,
    format,
    licenseKey,
    keys: 'active',
  });
  return { document: documentView(document), replayed };
}

export interface Minting {
  /** Of the licence. */
  readonly hash: string;
  readonly format: IssuableFormat;
  /** Needed for the first DTLIC2 document of a licence. */
  readonly licenseKey: string | undefined;
  /** Whether a document will do whose key signs no more, as long as it says what the licence says. */
  readonly keys: 'active' | 'any';
}

/** Signs at most once, however often the commit has to be decided anew. */
async function mint(
  ports: Ports,
  { issuer }: Pick<Settings, 'issuer'>,
  request: AdminRequest,
  minting: Minting,
): Promise<{ readonly document: DocumentRecord; readonly replayed: boolean }> {
  const rendering = RENDERINGS[minting.format];
  let signed: { readonly document: DocumentRecord; readonly meaning: string } | undefined;
  const { answer, replayed } = await administer(ports, request, async (now): Promise<Change<Fields>> => {
    const license = await readLicense(ports, request.caller, minting.hash);
    if (license === undefined) throw refused(LICENSE_NOT_FOUND);
    requireSignedEnd(license, 'format');
    const documents = (await documentsOf(ports, minting.hash)).filter(
      ({ format }) => format === minting.format,
    );
    const [newest] = documents;
    // The newest is the one that counts, so none may seem as old as the one before it.
    const issuedAt = Math.max(now, (newest?.issued_at ?? 0) + 1);
    const terms = { license, issuer, issuedAt, licenseKey: minting.licenseKey ?? keyIn(documents) };
    const meaning = holding(() => {
      rendering.check(terms);
      return rendering.meaningOf(terms);
    });
    const isCurrent = newest !== undefined && rendering.meaningIn(newest.text) === meaning;
    if (isCurrent && (minting.keys === 'any' || (await isActive(ports, newest))))
      return { answer: newest, writes: [], act: actOf(newest) };
    if (signed?.meaning !== meaning || signed.document.issued_at <= (newest?.issued_at ?? 0))
      signed = { document: await sign(ports, minting.format, terms), meaning };
    const { document } = signed;
    const first = documentPath(minting.hash, document.format, document.kid);
    const isTaken = documents.some(({ kid }) => kid === document.kid);
    const path = isTaken ? `${first}_${document.issued_at}` : first;
    return {
      answer: document,
      writes: [{ op: 'set', path, fields: document, demand: 'absent' }],
      act: actOf(document),
    };
  });
  return { document: answer as DocumentRecord, replayed };
}

async function sign(ports: Ports, format: IssuableFormat, terms: Terms): Promise<DocumentRecord> {
  return documentOf(format, terms, await RENDERINGS[format].sign(ports.keys, terms));
}

/** Whether its key still signs. If not, a document of the key that signs now takes its place. */
async function isActive({ keys }: Pick<Ports, 'keys'>, { kid }: DocumentRecord): Promise<boolean> {
  return (await keys.find(kid))?.state === 'active';
}

/** The licence key that a DTLIC2 document names. */
export function keyIn(documents: readonly DocumentRecord[]): string | undefined {
  const text = documents.find(({ format }) => format === 'dtlic2')?.text;
  return text === undefined ? undefined : (dtlic2.decode(text).license.licenseId ?? undefined);
}

function actOf({ license_id, format, kid }: DocumentRecord) {
  return { action: 'documents.issue', target: license_id, before: null, after: { format, kid } };
}

/**
 * Documents of a licence in these formats, each signed when there is none that says what the licence says.
 * @throws CountersignError `signing_unavailable`, `store_unavailable`: then some may be missing, and repeating it goes on
 */
export async function completeDocuments(
  ports: Ports,
  settings: Settings,
  caller: Caller,
  { hash, licenseKey }: Pick<Minting, 'hash' | 'licenseKey'>,
  formats: readonly IssuableFormat[],
): Promise<void> {
  for (const format of formats) {
    const request = { caller, operation: 'documents.issue', idempotencyKey: undefined, body: {} };
    await mint(ports, settings, request, { hash, format, licenseKey, keys: 'any' });
  }
}

/** The formats that a licence has been issued in, as far as they are issued at all. */
export function issuedFormats(documents: readonly DocumentRecord[]): IssuableFormat[] {
  const names = documents.flatMap(({ format }) => (format === 'caio-v1' ? [] : [format]));
  return [...new Set(names)];
}

/**
 * Refuses terms that a format cannot hold, before anything is stored. `sent` are the members that the request is about.
 * @throws CountersignError `invalid_request`
 */
export function requireHoldable(
  format: IssuableFormat,
  terms: Terms,
  sent: Partial<LicenseRecord> = terms.license,
): void {
  requireSignedEnd(terms.license, sent.expiry_strategy === undefined ? 'expires_at' : 'expiry_strategy');
  holding(() => RENDERINGS[format].check(terms));
}

function requireSignedEnd(license: LicenseRecord, member: string): void {
  const problem = endProblem(license);
  if (problem !== undefined) throw unholdable(problem, member);
}

/** The sentences of these errors name members and no values. */
function holding<T>(render: () => T): T {
  try {
    return render();
  } catch (error) {
    if (error instanceof OperatorError || error instanceof TypeError)
      throw unholdable(error.message, '', error);
    throw error;
  }
}

function unholdable(detail: string, member: string, cause?: unknown): CountersignError {
  const pointer = member === '' ? '' : `/${member}`;
  return new CountersignError('invalid_request', detail, { cause, errors: [{ pointer, detail }] });
}
