/** Finds the record of a licence that was issued as text. */
import { scopeProblem } from '../client/verify-license.ts';
import { refuse } from '../decide/refusal.ts';
import { normalizeLicenseKey } from '../license-key.ts';
import type { Snapshot } from '../ports/document-store.ts';
import { documentId } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { documentRecord } from '../records/document.ts';
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
  'caio-v2': async ({ store }, license, text) => {
    const hash = await findText(store, license, text);
    if (hash === undefined) return undefined;
    const [found] = await store.get([licensePath(hash)]);
    return found;
  },
  dtlic2: async ({ store, hasher }, { licenseId }) => {
    const [found] = await store.get([
      licensePath(hasher.hash('license', normalizeLicenseKey(licenseId ?? ''))),
    ]);
    return found;
  },
};

/**
 * The hash of the licence that a `CAIO-v2` text is on record of. A document has the instant of its issue in its record too, so
 * those of this instant are all that are read, however many its customer has.
 */
async function findText(
  store: Ports['store'],
  { customer, issuedAt }: IssuedLicense,
  text: string,
): Promise<string | undefined> {
  if (customer.id === null) return undefined;
  let hash: string | undefined;
  const query = {
    group: DOCUMENTS,
    where: [
      ['customer_id', '==', customer.id],
      ['issued_at', '==', issuedAt],
    ],
    orderBy: [['issued_at', 'desc']],
  } as const;
  await forEachPage(store, query, async (page) => {
    const match = page.find((snapshot) => isText(snapshot, text));
    hash = match?.path.split('/')[1];
    return match === undefined;
  });
  return hash;
}

function isText(snapshot: Snapshot, text: string): boolean {
  const document = readRecord(documentRecord, snapshot)?.record;
  return document?.format === 'caio-v2' && document.text === text;
}
