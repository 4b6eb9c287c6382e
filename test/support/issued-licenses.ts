/**
 * Issued licences for tests: payloads with all members, arbitraries of them, and texts that the keys of
 * `signed-documents.ts` signed. `caioOf` and `dtlic2Of` write the formats a second time, over any payload, so that they can
 * also sign what no honest issuer would.
 *
 * ```ts
 * seal(caioV2, caioPayload({ features: [] }), RSA);
 * caioOf(ED, '{"customer_id":"acme"}', { customerId: 'other' });
 * ```
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { type LicenseVerificationOptions, verifyLicense } from '../../shared/client/verify-license.ts';
import { DocumentError } from '../../shared/formats/format.ts';
import type { IssuedFormat } from '../../shared/formats/issued.ts';
import type { VerificationCode } from '../../shared/verification.ts';
import type { AegisPayload, CaioPayload, Dtlic2Payload } from '../../shared/wire/issued.ts';
import { wellFormedText } from './arbitrary-json.ts';
import { licenseRecord, NOW } from './records.ts';
import { base64url, ED, headerOf, jwsOf, type Kind, keys, signatureOf, trusted } from './signed-documents.ts';

export const LICENSE_ID = '0b9f6a52-3c55-4a0e-8a3e-6f2f0f8f5b11';
export const FINGERPRINT = `sha256:${'0123456789abcdef'.repeat(4)}`;
/** Of all three builders: a month before 2026-01-02T03:04:05Z, and a leap day. */
export const ISSUED_AT = Date.UTC(2025, 11, 2, 3, 4, 5);
export const EXPIRES_AT = Date.UTC(2028, 1, 29);

type Dtlic2Terms = Omit<Dtlic2Payload, 'kid'>;

export function aegisPayload(overrides: Partial<AegisPayload> = {}): AegisPayload {
  return {
    jti: LICENSE_ID,
    iss: 'https://countersign.test',
    iat: ISSUED_AT / 1000,
    exp: EXPIRES_AT / 1000,
    customer: { id: 'customer-1', name: 'Ada' },
    module: { technical_name: 'sale_forecast', allowed_major_versions: [16, 17] },
    license_type: 'subscription',
    instance_fingerprint: FINGERPRINT,
    ...overrides,
  };
}

export function caioPayload(overrides: Partial<CaioPayload> = {}): CaioPayload {
  return {
    customer_id: 'acme-de-2',
    license_type: 'enterprise',
    issued_at: '2025-12-02T03:04:05+00:00',
    expires_at: '2028-02-29T00:00:00+00:00',
    features: ['reports', 'export'],
    max_instances: 3,
    max_services: 20,
    max_requests_per_day: 1_000_000,
    version: '2.0',
    ...overrides,
  };
}

export function dtlic2Terms(overrides: Partial<Dtlic2Terms> = {}): Dtlic2Terms {
  return {
    license_key: 'DT1-CORE-5dd8e1db-d90c4656',
    name: 'Zoë Müller',
    email: 'Zoe@Example.com',
    tier: 'core',
    issued_at: '2025-12-02T03:04:05+00:00',
    expires_at: '2028-02-29T00:00:00+00:00',
    ...overrides,
  };
}

/** The licence on record that each builder's payload is of. */
export const granted = {
  aegis: licenseRecord({
    license_id: LICENSE_ID,
    license_type: 'subscription',
    product: 'sale_forecast',
    allowed_major_versions: [16, 17],
    instance_fingerprint: FINGERPRINT,
    expires_at: EXPIRES_AT,
  }),
  'caio-v2': licenseRecord({
    license_id: LICENSE_ID,
    customer: { id: 'acme-de-2', name: 'Ada' },
    customer_id: 'acme-de-2',
    license_type: 'enterprise',
    features: ['reports', 'export'],
    limits: { max_instances: 3, max_services: 20, max_requests_per_day: 1_000_000 },
    expires_at: EXPIRES_AT,
  }),
  dtlic2: licenseRecord({
    license_id: LICENSE_ID,
    holder: { name: 'Zoë Müller', email: 'Zoe@Example.com' },
    tier: 'team',
    expires_at: EXPIRES_AT,
  }),
} as const;

/** The text of a licence that the key of `kind` signed. */
export function seal<Payload>(format: IssuedFormat<Payload>, payload: Payload, kind: Kind = ED): string {
  const key = { kid: keys[kind].kid, algorithm: kind };
  return format.encode(payload, {
    ...key,
    bytes: signatureOf(kind, format.signedBytes(payload, key)),
  });
}

/** An AEGIS licence over any claims. */
export function aegisOf(kind: Kind, claims: object, header: object = {}): string {
  return jwsOf(kind, {
    header: headerOf(kind, { typ: 'JWT', ...header }),
    payload: JSON.stringify(claims),
  });
}

/** A CAIO v2 licence over any text. */
export function caioOf(kind: Kind, payload: string, { customerId = 'acme-de-2' } = {}): string {
  const signature = signatureOf(kind, payload).toString('base64');
  return `CAIO-v2-${customerId}-${Buffer.from(payload).toString('base64')}.${signature}`;
}

/** A CAIO v1 licence with a MAC of its shape. */
export function caioV1Of(metadata: string, { customerId = 'acme-de-2', mac = 'ab'.repeat(32) } = {}): string {
  return `CAIO-v1-${customerId}-${Buffer.from(metadata).toString('base64')}-${mac}`;
}

/** A DTLIC2 licence over any text. */
export function dtlic2Of(kind: Kind, payload: string): string {
  return `DTLIC2:${base64url(payload)}.${base64url(signatureOf(kind, payload))}`;
}

/** The code of the `DocumentError` that `action` throws, or `decoded`. Whatever else it throws fails the test. */
export function documentCodeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof DocumentError) return error.code;
    throw error;
  }
  return 'decoded';
}

export type LicenseVerdict = VerificationCode | 'valid';

/** What a client that trusts both keys says about a licence: `valid`, or the code of the refusal. */
export async function licenseVerdict(
  text: string,
  options: Partial<LicenseVerificationOptions> = {},
): Promise<LicenseVerdict> {
  const result = await verifyLicense(text, { keys: trusted, now: NOW, ...options });
  if (result.valid) return 'valid';
  expect(result.detail).not.toBe('');
  return result.code;
}

const instants = fc
  .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString().replace('Z', '+00:00'));
const seconds = fc.integer({ min: 0, max: 253_402_300_799 });
const someText = wellFormedText.filter((text) => text !== '');
const customerIds = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
const count = fc.maxSafeInteger();

const aegisPayloads: fc.Arbitrary<AegisPayload> = fc
  .tuple(
    fc.record({
      jti: fc.uuid(),
      iss: someText,
      iat: seconds,
      customer: fc.record({ id: someText, name: wellFormedText }, { noNullPrototype: true }),
      module: fc.record(
        { technical_name: someText, allowed_major_versions: fc.array(fc.nat(), { maxLength: 4 }) },
        { noNullPrototype: true },
      ),
    }),
    fc.oneof(
      fc.constant({ license_type: 'perpetual' as const }),
      fc.record({ license_type: fc.constantFrom('subscription', 'demo'), exp: seconds }),
    ),
    fc.constantFrom({}, { instance_fingerprint: FINGERPRINT }),
  )
  .map(([members, term, binding]) => ({ ...members, ...term, ...binding }));

const caioPayloads: fc.Arbitrary<CaioPayload> = fc
  .tuple(
    fc.record({
      customer_id: customerIds,
      issued_at: instants,
      features: fc.array(wellFormedText, { maxLength: 4 }),
      max_instances: count,
      max_services: count,
      max_requests_per_day: count,
      version: fc.oneof(wellFormedText, fc.nat()),
    }),
    fc.oneof(
      fc.constant({ license_type: 'perpetual' as const, expires_at: null }),
      fc.record({
        license_type: fc.constantFrom('trial', 'standard', 'enterprise'),
        expires_at: fc.option(instants),
      }),
    ),
  )
  .map(([members, term]) => ({ ...members, ...term }));

const dtlic2TermsArbitrary: fc.Arbitrary<Dtlic2Terms> = fc
  .record({
    license_key: someText,
    name: someText,
    email: someText,
    tier: fc.constantFrom('lite', 'core', 'pro'),
    issued_at: instants,
    expires_at: fc.option(instants),
  })
  .map((terms) => ({ ...terms }));

/** Everything that a format holds, for `fc.property`. */
export const issuable = { aegis: aegisPayloads, caio: caioPayloads, dtlic2: dtlic2TermsArbitrary };
