/**
 * What may be handed to whoever has a licence now: documents that name them, of keys that verify, of a licence that holds. What
 * was transferred or re-issued leaves documents on record that are none of theirs, or hold no more.
 */
import type { IssuableFormat } from '../decide/issue.ts';
import { licenseRefusal } from '../decide/license.ts';
import { CountersignError } from '../errors.ts';
import { decodeIssued } from '../formats/issued.ts';
import type { Ports } from '../ports/ports.ts';
import type { DocumentRecord } from '../records/document.ts';
import type { VerificationCode } from '../verification.ts';
import type { FoundLicense } from './find-license.ts';
import { documentsOf, issuedFormats } from './license-documents.ts';
import { newestOf } from './licensing-newest.ts';
import { refused } from './refused.ts';
import type { Settings } from './settings.ts';

/**
 * One in the format, or in each format where none is asked for; at least one.
 * @throws CountersignError `license_revoked`, `license_suspended`, `license_expired`, `document_not_found`,
 * `signing_unavailable`, `store_unavailable`
 */
export async function deliverable(
  ports: Pick<Ports, 'store' | 'keys' | 'clock'>,
  settings: Pick<Settings, 'issuer'>,
  { hash, record }: Pick<FoundLicense, 'hash' | 'record'>,
  format: IssuableFormat | undefined,
): Promise<readonly [DocumentRecord, ...DocumentRecord[]]> {
  const now = ports.clock.now();
  const refusal = licenseRefusal(record, now);
  if (refusal !== undefined) throw refused(refusal);
  const documents = await documentsOf(ports, hash);
  const formats = issuedFormats(documents).filter((each) => format === undefined || each === format);
  // The keys of a ledger that was imported unverified are its clients' own business: this service does not know them.
  const suffices = (problem: VerificationCode | undefined) =>
    problem === undefined || (record.unverified && problem === 'unknown_key');
  const newest = await Promise.all(
    formats.map((each) => newestOf(ports, settings, { record, documents }, each, suffices)),
  );
  const [first, ...others] = newest.flatMap((each) => (each !== undefined && isOn(each, now) ? [each] : []));
  if (first === undefined) throw new CountersignError('document_not_found', NONE[formats.length && 1]);
  return [first, ...others];
}

const NONE = [
  'The licence has no document in this format. Issue it first.',
  'No document of the licence on record both names whose it is now and holds. Issue it anew, with a key that signs.',
] as const;

/** Where a change of before has left the documents behind, what there is may end before its licence. */
function isOn({ text }: DocumentRecord, now: number): boolean {
  const end = decodeIssued(text)?.license.expiresAt ?? null;
  return end === null || now < end;
}
