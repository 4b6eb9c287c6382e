/** The demo customer's licences, and the keys of those who look after them. Seeding again changes nothing. */
import { randomUUID } from 'node:crypto';
import { SCOPE_NAMES } from '../../shared/access/scopes.ts';
import { normalizeLicenseKey } from '../../shared/license-key.ts';
import { ConflictError } from '../../shared/ports/document-store.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { apiKeyWrite } from '../../shared/usecases/create-api-key.ts';
import { createLicense, type NewLicense } from '../../shared/usecases/create-license.ts';
import { issueAegis } from '../../shared/usecases/issue-document.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import type { LocalFile } from './local-file.ts';

const CUSTOMER = { id: 'demo-customer', name: 'Société Générale 東京' };
const DAY_SECONDS = 86_400;

type Seeding = Pick<Ports, 'store' | 'hasher' | 'clock' | 'keys' | 'random'>;

/** The licence with a number of seats is also issued as a document, as for a customer without a network. */
export async function seedDemoLicenses(ports: Seeding, settings: Settings, keys: LocalFile): Promise<void> {
  const shared = {
    customer: CUSTOMER,
    product: 'demo-app',
    tier: 'pro',
    features: ['export', 'reports'],
    allowedMajorVersions: [1, 2],
    policy: { borrow_max_seconds: 7 * DAY_SECONDS },
  } as const;
  const license = await createOnce(ports, {
    ...shared,
    licenseKey: keys.license_key,
    licenseId: randomUUID(),
    seats: 5,
    signingAlgorithm: 'RSA_SIGN_PKCS1_4096_SHA256',
  });
  const licenseHash = ports.hasher.hash('license', normalizeLicenseKey(keys.license_key));
  if (license !== undefined) await issueAegis(ports, settings, licenseHash, license);
  await createOnce(ports, {
    ...shared,
    licenseKey: keys.unlimited_license_key,
    licenseId: randomUUID(),
    seats: null,
    signingAlgorithm: 'EC_SIGN_ED25519',
  });
}

/** Undefined when it is there already. */
async function createOnce(ports: Seeding, license: NewLicense): Promise<LicenseRecord | undefined> {
  try {
    return await createLicense(ports, license);
  } catch (error) {
    if (error instanceof ConflictError) return undefined;
    throw error;
  }
}

/** What the names in `local.json` say: the admin's key opens everything, that of finance only how licences are used. */
export async function seedApiKeys(
  { store, hasher, clock }: Pick<Ports, 'store' | 'hasher' | 'clock'>,
  { admin_api_key: admin, finance_api_key: finance }: LocalFile,
): Promise<void> {
  const granted = [
    { apiKey: admin, name: 'local admin', scopes: SCOPE_NAMES },
    { apiKey: finance, name: 'local finance', scopes: ['usage:read'] as const },
  ];
  for (const { apiKey, name, scopes } of granted) {
    const opens = { name, scopes: [...scopes], customer_id: null, expires_at: null };
    try {
      await store.commit([apiKeyWrite(hasher, apiKey, opens, clock.now())]);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
  }
}
