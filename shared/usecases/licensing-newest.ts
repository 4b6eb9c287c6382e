/** The newest document of a licence that verifies now. */
import type { IssuableFormat } from '../decide/issue.ts';
import { decodeIssued } from '../formats/issued.ts';
import { OperatorError } from '../operator-error.ts';
import type { Ports } from '../ports/ports.ts';
import type { DocumentRecord } from '../records/document.ts';
import type { LicenseRecord } from '../records/license.ts';
import type { IssuedFormatName } from '../wire/issued.ts';
import { RENDERINGS } from './issue-document.ts';
import { documentsOf, keyIn } from './license-documents.ts';
import { keyProblem } from './licensing-keys.ts';
import type { Settings } from './settings.ts';
import { type LicenseOnRecord, namesAnother } from './validate-on-record.ts';

/**
 * The text; undefined when nothing on record verifies. One that says what the licence says now goes before a newer one: after
 * a change whose document could not be signed, the newest may promise more than the licence.
 * @throws CountersignError `signing_unavailable`, `store_unavailable`
 */
export async function newestDocument(
  ports: Ports,
  { issuer }: Pick<Settings, 'issuer'>,
  { hash, record }: Pick<LicenseOnRecord, 'hash' | 'record'>,
  format: IssuedFormatName,
): Promise<string | undefined> {
  if (format === 'caio-v1') return undefined;
  const documents = (await documentsOf(ports, hash)).filter(
    (document) => document.format === format && !isAnothers(document, record),
  );
  const verifying = await thoseThatVerify(ports, documents);
  const terms = { license: record, issuer, issuedAt: 0, licenseKey: keyIn(documents) };
  const meaning = meaningOf(format, terms);
  const current = verifying.find(({ text }) => RENDERINGS[format].meaningIn(text) === meaning);
  return (current ?? verifying[0])?.text;
}

function isAnothers({ text }: DocumentRecord, record: LicenseRecord): boolean {
  const license = decodeIssued(text)?.license;
  return license !== undefined && namesAnother(license, record);
}

async function thoseThatVerify(
  { keys, clock }: Ports,
  documents: readonly DocumentRecord[],
): Promise<DocumentRecord[]> {
  const problems = await Promise.all(documents.map(({ kid }) => keyProblem(keys, kid, clock.now())));
  return documents.filter((_, i) => problems[i] === undefined);
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
