/** The documents of one licence that are on record. */

import type { IssuableFormat } from '../decide/issue.ts';
import { dtlic2 } from '../formats/dtlic2.ts';
import type { Ports } from '../ports/ports.ts';
import { type DocumentRecord, documentRecord } from '../records/document.ts';
import { DOCUMENTS, licensePath } from '../records/paths.ts';
import type { License, LicenseDocument } from '../wire/admin-licenses.ts';
import { formatInstant } from '../wire/document.ts';
import { withToken } from './find-license.ts';
import { readRecord } from './read.ts';

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

/** What is remembered of a request that a licence was answered to. */
export type Answered = {
  readonly license: License;
  readonly hash: string;
};

/** Before the token was remembered with the rest, it was looked up for every answer. */
export async function asAnswered(ports: Pick<Ports, 'store'>, { license, hash }: Answered): Promise<License> {
  return license.token === undefined ? withToken(license, await documentsOf(ports, hash)) : license;
}

/** The licence key that a DTLIC2 document names. */
export function keyIn(documents: readonly DocumentRecord[]): string | undefined {
  const text = documents.find(({ format }) => format === 'dtlic2')?.text;
  return text === undefined ? undefined : (dtlic2.decode(text).license.licenseId ?? undefined);
}

/** The formats that a licence has been issued in, as far as they are issued at all. */
export function issuedFormats(documents: readonly DocumentRecord[]): IssuableFormat[] {
  const names = documents.flatMap(({ format }) => (format === 'caio-v1' ? [] : [format]));
  return [...new Set(names)];
}
