/** Licences that an operator has issued in each format, and what was signed for them. */
import { createKmsClient, googlePublicKey, googleSigner } from '../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { type Reissued, reissue } from '../../shared/usecases/reissue.ts';
import { TEST_KEY_RING, TEST_KEYS } from './kms.ts';
import { HOLDER, LIMITS, type LicenseDesk, of } from './license-desk.ts';
import type { TestService } from './service.ts';

export const ISSUED = ['aegis', 'caio-v2', 'dtlic2'] as const;
export type Issued = (typeof ISSUED)[number];
export type Texts = Readonly<Record<Issued, string>>;

export const OURS: SigningKey = {
  name: TEST_KEYS.ed25519,
  algorithm: 'EC_SIGN_ED25519',
  use: 'license',
  state: 'active',
};

/** Customers of the desk and whom their licences name: a DTLIC2 document names its holder, and no customer. */
const HOLDERS = {
  'acme-gmbh': HOLDER,
  'other-co': { name: 'Other Holder', email: 'holder@other.example' },
};

export interface InEveryFormat {
  readonly id: string;
  readonly licenseKey: string;
  readonly expiresAt: number;
  readonly texts: Texts;
}

/** A subscription of `acme-gmbh`, unless `wanted` says otherwise. */
export async function issueInEveryFormat(desk: LicenseDesk, wanted: object = {}): Promise<InEveryFormat> {
  const body = await desk.issued({ formats: ISSUED, holder: HOLDER, limits: LIMITS, ...wanted });
  const expiresAt = body.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(body.expires_at);
  return { id: body.id, licenseKey: body.license_key, expiresAt, texts: await newestTexts(desk, body.id) };
}

/** The newest document in each format. */
export async function newestTexts({ operator }: LicenseDesk, id: string): Promise<Texts> {
  const { body } = await operator('GET', of(id, '/documents'));
  const newest = (format: Issued) =>
    body.documents.find((document: { format: string }) => document.format === format)?.document;
  return { aegis: newest('aegis'), 'caio-v2': newest('caio-v2'), dtlic2: newest('dtlic2') };
}

/** Another key in the KMS, as the one that signs now. */
export async function nextKey({ kms }: TestService): Promise<SigningKey> {
  const wanted = { id: 'license-ed25519-next', algorithm: OURS.algorithm };
  const [name = ''] = await provisionKeys(kms.endpoint, TEST_KEY_RING, [wanted]);
  return { ...OURS, name };
}

/** Everything that our key has signed is signed anew by `key`, as `countersign keys reissue` does it; what it tells. */
export async function reissueBy({ kms, ports }: TestService, { name }: SigningKey): Promise<Reissued[]> {
  const client = createKmsClient({ endpoint: kms.endpoint });
  const kidOf = ({ pem }: { readonly pem: string }) => thumbprint(jwkFromPem(pem));
  const [from, publicKey] = await Promise.all([
    googlePublicKey(client, OURS.name),
    googlePublicKey(client, name),
  ]);
  const signer = googleSigner(client, { versionName: name, publicKey, kid: kidOf(publicKey) });
  const told: Reissued[] = [];
  const onReissued = (each: Reissued) => void told.push(each);
  await reissue(ports, { from: kidOf(from), signer, isDryRun: false, rate: 1000, onReissued });
  await client.close();
  return told;
}

/** To another customer, and the holder that goes with them unless told. */
export async function transfer(
  { operator }: LicenseDesk,
  { id }: InEveryFormat,
  customer_id: keyof typeof HOLDERS,
  holder = HOLDERS[customer_id],
): Promise<void> {
  const { status, body } = await operator('POST', of(id, '/transfer'), { customer_id, holder });
  if (status !== 200) throw new Error(`The transfer was refused: ${JSON.stringify(body)}`);
}
