/** What a licence says in a format, whether it is on record as a document, and how a new one gets there. */
import type { IssuableFormat } from '../decide/issue.ts';
import type { Write } from '../ports/document-store.ts';
import type { DocumentRecord } from '../records/document.ts';
import { documentPath } from '../records/paths.ts';
import type { Act } from './audit-chain.ts';
import { holding } from './holdable.ts';
import { RENDERINGS, type Terms } from './issue-document.ts';
import type { DocumentToSign } from './signing.ts';

export interface Rendered {
  /** The newest document, where it says just this. */
  readonly current: DocumentRecord | undefined;
  readonly toSign: DocumentToSign;
}

/**
 * The licence in a format. `documents` are those on record, newest first; `now` is in milliseconds since the epoch.
 * @throws CountersignError `invalid_request` when the format cannot hold it
 */
export function rendered(
  format: IssuableFormat,
  said: Omit<Terms, 'issuedAt'>,
  documents: readonly DocumentRecord[],
  now: number,
): Rendered {
  const rendering = RENDERINGS[format];
  const newest = documents.find((document) => document.format === format);
  // The newest is the one that counts, so none may seem as old as the one before it.
  const terms = { ...said, issuedAt: Math.max(now, (newest?.issued_at ?? 0) + 1) };
  const meaning = holding(() => {
    rendering.check(terms);
    return rendering.meaningOf(terms);
  });
  const isCurrent = newest !== undefined && rendering.meaningIn(newest.text) === meaning;
  return { current: isCurrent ? newest : undefined, toSign: { format, terms, meaning } };
}

/** Puts a document that was just signed beside those on record. */
export function documentWrite(
  licenseHash: string,
  document: DocumentRecord,
  documents: readonly DocumentRecord[],
): Write {
  const { format, kid, issued_at } = document;
  const first = documentPath(licenseHash, format, kid);
  const isTaken = documents.some((other) => other.format === format && other.kid === kid);
  const path = isTaken ? `${first}_${issued_at}` : first;
  return { op: 'set', path, fields: document, demand: 'absent' };
}

export function documentAct({ license_id, format, kid }: DocumentRecord): Act {
  return { action: 'documents.issue', target: license_id, before: null, after: { format, kid } };
}
