/** Finds the record of a licence that was issued as text. */
import { normalizeLicenseKey } from '../license-key.ts';
import type { Snapshot } from '../ports/document-store.ts';
import { documentId } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type DocumentRecord, documentRecord } from '../records/document.ts';
import { type LicenseRecord, licenseRecord } from '../records/license.ts';
import { DOCUMENTS, LICENSES, licensePath } from '../records/paths.ts';
import type { IssuedFormatName, IssuedLicense } from '../wire/issued.ts';
import { forEachPage } from './pages.ts';
import { readRecord } from './read.ts';

export interface LicenseOnRecord {
  /** L of its path. */
  readonly hash: string;
  readonly record: LicenseRecord;
}

type Finding = Pick<Ports, 'store' | 'hasher'>;

/** @throws CountersignError `store_unavailable` */
export async function findOnRecord(
  ports: Finding,
  license: IssuedLicense,
  text: string,
): Promise<LicenseOnRecord | undefined> {
  const snapshot = await FINDERS[license.format](ports, license, text);
  const record = readRecord(licenseRecord, snapshot)?.record;
  return snapshot && record && { hash: documentId(snapshot.path), record };
}

type Finder = (ports: Finding, license: IssuedLicense, text: string) => Promise<Snapshot | undefined>;

const FINDERS: Readonly<Record<IssuedFormatName, Finder>> = {
  aegis: async ({ store }, { licenseId }) => {
    const [found] = await store.query({
      collection: LICENSES,
      where: [['license_id', '==', licenseId]],
      limit: 1,
    });
    return found;
  },
  'caio-v1': async () => undefined,
  // It names no licence. What we issued is on record word for word, under the customer that it names.
  'caio-v2': async ({ store }, { customer }, text) => {
    if (customer.id === null) return undefined;
    const document = await findDocument(store, customer.id, (found) => found.text === text);
    if (document === undefined) return undefined;
    const [found] = await store.get([licensePath(document.hash)]);
    // A licence that was transferred is not theirs any more.
    return found?.fields.customer_id === customer.id ? found : undefined;
  },
  dtlic2: async ({ store, hasher }, { licenseId }) => {
    const [found] = await store.get([
      licensePath(hasher.hash('license', normalizeLicenseKey(licenseId ?? ''))),
    ]);
    return found;
  },
};

/** The newest `CAIO-v2` document of a customer that `isWanted`, and the hash of its licence. */
export async function findDocument(
  store: Ports['store'],
  customerId: string,
  isWanted: (document: DocumentRecord, hash: string) => boolean,
): Promise<{ readonly hash: string; readonly document: DocumentRecord } | undefined> {
  let match: { readonly hash: string; readonly document: DocumentRecord } | undefined;
  const query = {
    group: DOCUMENTS,
    where: [['customer_id', '==', customerId]],
    orderBy: [['issued_at', 'desc']],
  } as const;
  await forEachPage(store, query, async (page) => {
    match = page.flatMap((snapshot) => matching(snapshot, isWanted))[0];
    return match === undefined;
  });
  return match;
}

function matching(
  snapshot: Snapshot,
  isWanted: (document: DocumentRecord, hash: string) => boolean,
): { hash: string; document: DocumentRecord }[] {
  const document = readRecord(documentRecord, snapshot)?.record;
  const hash = snapshot.path.split('/')[1] ?? '';
  if (document?.format !== 'caio-v2' || !isWanted(document, hash)) return [];
  return [{ hash, document }];
}
