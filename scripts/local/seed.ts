/** The demo customer's licences. Seeding again changes nothing. */
import { randomUUID } from 'node:crypto';
import { ConflictError } from '../../shared/ports/document-store.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { createLicense, type NewLicense } from '../../shared/usecases/create-license.ts';
import type { LocalFile } from './local-file.ts';

const CUSTOMER = { id: 'demo-customer', name: 'Société Générale 東京' };
const DAY_SECONDS = 86_400;

type Seeding = Pick<Ports, 'store' | 'hasher' | 'clock'>;

export async function seedDemoLicenses(ports: Seeding, keys: LocalFile): Promise<void> {
  const shared = {
    customer: CUSTOMER,
    product: 'demo-app',
    tier: 'pro',
    features: ['export', 'reports'],
    allowedMajorVersions: [1, 2],
    policy: { borrow_max_seconds: 7 * DAY_SECONDS },
  } as const;
  await createOnce(ports, {
    ...shared,
    licenseKey: keys.license_key,
    licenseId: randomUUID(),
    seats: 5,
    signingAlgorithm: 'RSA_SIGN_PKCS1_4096_SHA256',
  });
  await createOnce(ports, {
    ...shared,
    licenseKey: keys.unlimited_license_key,
    licenseId: randomUUID(),
    seats: null,
    signingAlgorithm: 'EC_SIGN_ED25519',
  });
}

async function createOnce(ports: Seeding, license: NewLicense): Promise<void> {
  try {
    await createLicense(ports, license);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}
