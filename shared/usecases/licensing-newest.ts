/** The newest document of a licence that verifies now. */
import type { IssuableFormat } from '../decide/issue.ts';
import { decodeIssued } from '../formats/issued.ts';
import { OperatorError } from '../operator-error.ts';
import type { Ports } from '../ports/ports.ts';
import type { DocumentRecord } from '../records/document.ts';
import type { LicenseRecord } from '../records/license.ts';
import type { VerificationCode } from '../verification.ts';
import type { IssuedFormatName } from '../wire/issued.ts';
import { RENDERINGS } from './issue-document.ts';
import { documentsOf, keyIn } from './license-documents.ts';
import { keyProblem } from './licensing-keys.ts';
import type { Settings } from './settings.ts';
import { type LicenseOnRecord, namesAnother } from './validate-on-record.ts';

/**
 * Undefined when nothing on record verifies. One that says what the licence says now goes before a newer one: where
 * a change of before has left the documents behind, the newest may promise more than the licence.
 * @throws CountersignError `signing_unavailable`, `store_unavailable`
 */
export async function newestDocument(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  onRecord: Pick<LicenseOnRecord, 'hash' | 'record'>,
  format: IssuedFormatName,
): Promise<DocumentRecord | undefined> {
  if (format === 'caio-v1') return undefined;
  const { record } = onRecord;
  return newestOf(ports, settings, { record, documents: await documentsOf(ports, onRecord.hash) }, format);
}

/**
 * The same of documents that were read, newest first.
 * @throws CountersignError `signing_unavailable`
 */
export async function newestOf(
  ports: Pick<Ports, 'keys' | 'clock'>,
  { issuer }: Pick<Settings, 'issuer'>,
  {
    record,
    documents: all,
  }: { readonly record: LicenseRecord; readonly documents: readonly DocumentRecord[] },
  format: IssuableFormat,
  suffices: (problem: VerificationCode | undefined) => boolean = (problem) => problem === undefined,
): Promise<DocumentRecord | undefined> {
  const documents = all.filter((document) => document.format === format && !isAnothers(document, record));
  const problems = await Promise.all(
    documents.map(({ kid }) => keyProblem(ports.keys, kid, ports.clock.now())),
  );
  const verifying = documents.filter((_, i) => suffices(problems[i]));
  const terms = { license: record, issuer, issuedAt: 0, licenseKey: keyIn(documents) };
  const meaning = meaningOf(format, terms);
  const current = verifying.find(({ text }) => RENDERINGS[format].meaningIn(text) === meaning);
  return current ?? verifying[0];
}

/** Whether a document names a former customer or holder of its licence. */
export function isAnothers({ text }: DocumentRecord, record: LicenseRecord): boolean {
  const license = decodeIssued(text)?.license;
  return license !== undefined && namesAnother(license, record);
}

/** Undefined when the licence lacks by now what the format cannot do without. */
function meaningOf(
  format: IssuableFormat,
  terms: Parameters<(typeof RENDERINGS)[IssuableFormat]['meaningOf']>[0],
): string | undefined {
  try {
    return RENDERINGS[format].meaningOf(terms);
  } catch (error) {
    if (error instanceof OperatorError) return undefined;
    throw error;
  }
}
