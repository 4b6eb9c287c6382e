/** Finds the record of a licence that was issued as text. */
import { scopeProblem } from '../client/verify-license.ts';
import { refuse } from '../decide/refusal.ts';
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
  /** Whether the text names a former customer or holder: the licence is another one's by now. */
  readonly isTransferred: boolean;
}

/** What a former customer is told, whatever has become of the licence since: that is the new one's. */
export const LICENSE_TRANSFERRED = refuse(
  'license_transferred',
  'This licence belongs to another customer now. Ask the vendor for one of your own.',
);

type Finding = Pick<Ports, 'store' | 'hasher'>;

/** @throws CountersignError `store_unavailable` */
export async function findOnRecord(
  ports: Finding,
  license: IssuedLicense,
  text: string,
): Promise<LicenseOnRecord | undefined> {
  const snapshot = await FINDERS[license.format](ports, license, text);
  const record = readRecord(licenseRecord, snapshot)?.record;
  if (snapshot === undefined || record === undefined) return undefined;
  return { hash: documentId(snapshot.path), record, isTransferred: namesAnother(license, record) };
}

/** Whether a text names another customer than the licence has by now or, where it names none, another holder. */
export function namesAnother(license: IssuedLicense, { customer, holder }: LicenseRecord): boolean {
  if (license.customer.id !== null) return license.customer.id !== customer.id;
  return holder !== null && scopeProblem(license, holder) !== undefined;
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
    return found;
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
