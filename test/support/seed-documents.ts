/** Licences in a store with the documents that were issued for them, some of which must not be issued again. */
import { randomUUID } from 'node:crypto';
import { createKmsClient, googlePublicKey, googleSigner } from '../../infra/kms/google.ts';
import { aegis } from '../../shared/formats/aegis.ts';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import type { DocumentStore, Write } from '../../shared/ports/document-store.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { documentPath, licensePath } from '../../shared/records/paths.ts';
import { formatInstant } from '../../shared/wire/document.ts';
import { aegisPayload, dtlic2Terms, EXPIRES_AT, granted } from './issued-licenses.ts';
import type { TestKms } from './kms.ts';

const AT_ONCE = 64;

const BARRED = [{ status: 'revoked' }, { status: 'suspended' }, { expires_at: 1 }] as const;
const REASONS = ['license_revoked', 'license_suspended', 'license_expired'] as const;

export interface Seed {
  readonly licenses: number;
  /** Every so many licences do not hold any more, one reason after the other. */
  readonly barredEvery: number;
  /** Every so many licences have a second document. */
  readonly twoFormatsEvery: number;
}

/** Why the licence of this place is skipped, or undefined. */
export function reasonAt(place: number, { barredEvery }: Seed): (typeof REASONS)[number] | undefined {
  return place % barredEvery === 0 ? REASONS[(place / barredEvery) % 3] : undefined;
}

/** L of the licence of a place. */
export const hashAt = (place: number) => place.toString(16).padStart(64, '0');

/** Stores licences with documents that a key of the KMS has signed. */
export async function seedDocuments(
  { store, kms, key }: { store: DocumentStore; kms: TestKms; key: { name: string; kid: string } },
  seed: Seed,
): Promise<void> {
  const client = createKmsClient({ endpoint: kms.endpoint });
  const publicKey = await googlePublicKey(client, key.name);
  const signer = googleSigner(client, { versionName: key.name, publicKey, kid: key.kid, deadlineMs: 30_000 });
  for (let first = 0; first < seed.licenses; first += AT_ONCE) {
    const places = Array.from({ length: Math.min(AT_ONCE, seed.licenses - first) }, (_, i) => first + i);
    const writes = await Promise.all(places.map((place) => writesAt(place, seed, signer)));
    await store.commit(writes.flat());
  }
  await client.close();
}

async function writesAt(place: number, seed: Seed, signer: Signer): Promise<Write[]> {
  const reason = reasonAt(place, seed);
  const licenseId = randomUUID();
  const customer = { id: `customer-${place}`, name: 'Zoë 東京' };
  const license = {
    ...granted.aegis,
    ...{ license_id: licenseId, customer, customer_id: customer.id },
    ...{ holder: granted.dtlic2.holder, tier: granted.dtlic2.tier },
    ...(reason && BARRED[REASONS.indexOf(reason)]),
  };
  const claims = aegisPayload({ jti: licenseId, customer });
  const signature = await signer.sign(aegis.signedBytes(claims, signer));
  const texts: Partial<Record<'aegis' | 'dtlic2', string>> = { aegis: aegis.encode(claims, signature) };
  if (place % seed.twoFormatsEvery === 0) {
    const terms = dtlic2Terms({ license_key: licenseId, expires_at: formatInstant(EXPIRES_AT) });
    texts.dtlic2 = dtlic2.encode(terms, await signer.sign(dtlic2.signedBytes(terms, signer)));
  }
  const documents = Object.entries(texts).map(([format, text]): Write => {
    const fields = {
      license_id: licenseId,
      customer_id: customer.id,
      format,
      kid: signer.kid,
      text,
      // Several of one millisecond, as a migration writes them.
      issued_at: 1_700_000_000_000 + Math.floor(place / 7),
      replaces: null,
    };
    return { op: 'set', path: documentPath(hashAt(place), format, signer.kid), fields };
  });
  return [{ op: 'set', path: licensePath(hashAt(place)), fields: license }, ...documents];
}
