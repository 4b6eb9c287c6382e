/** Licences that were issued as text, asked about over HTTP: ours, those of the systems before, and CAIO-v1. */
import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { provisionMacKey } from '../../infra/local/kms/provision-mac.ts';
import { caioV2 } from '../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import type { ForeignKey, MacKey, SigningKey } from '../../shared/keys/registry.ts';
import { normalizeLicenseKey } from '../../shared/license-key.ts';
import { licensePath } from '../../shared/records/paths.ts';
import { issueAegis } from '../../shared/usecases/issue-document.ts';
import {
  aegisOf,
  aegisPayload,
  caioPayload,
  caioV1Of,
  dtlic2Terms,
  EXPIRES_AT,
  FINGERPRINT,
  seal,
} from '../support/issued-licenses.ts';
import { TEST_KEY_RING, TEST_KEYS } from '../support/kms.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';
import { ED, inlineOf, keys as testKeys } from '../support/signed-documents.ts';

const NOW = Date.UTC(2026, 5, 1);
const SUNSET = Date.UTC(2026, 6, 1);
const SECRET = Buffer.from('the HMAC secret of CAIO-v1');

const OURS: SigningKey = { name: TEST_KEYS.ed25519, algorithm: ED, use: 'license', state: 'active' };

/** The key that signs in `issued-licenses.ts`, listed as that of another system. */
const foreign = (more: Partial<ForeignKey> = {}): ForeignKey => ({
  use: 'verify',
  pem: testKeys[ED].pem,
  algorithm: ED,
  issuer: 'https://countersign.test',
  kid: testKeys[ED].kid,
  state: 'retiring',
  sunsetAt: SUNSET,
  ...more,
});

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let served: ServedKeys;
  let mac: MacKey;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    served = await serveKeys(service);
    const name = await provisionMacKey(service.kms.endpoint, TEST_KEY_RING, {
      id: 'caio-v1',
      secret: SECRET,
    });
    mac = { use: 'mac', name, algorithm: 'HMAC_SHA256', sunsetAt: SUNSET };
  });

  afterAll(async () => {
    await served.stop();
    await service.stop();
  });

  async function ask(token: string, scope: object = {}): Promise<Answer['body']> {
    const response = await fetch(new URL('/api/v1/licenses/validate', served.baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, ...scope }),
    });
    expect(response.status).toBe(200);
    return response.json();
  }

  const verdict = async (token: string, scope: object = {}) => {
    const { valid, code } = await ask(token, scope);
    return valid ? `valid ${code}` : code;
  };

  describe('a licence that was issued here', () => {
    async function issued() {
      const licenseKey = await service.addLicense({ licenseId: randomUUID(), allowedMajorVersions: [3] });
      const licenseHash = service.ports.hasher.hash('license', normalizeLicenseKey(licenseKey));
      const [snapshot] = await service.ports.store.get([licensePath(licenseHash)]);
      const license = snapshot?.fields as unknown as Parameters<typeof issueAegis>[3];
      return {
        licenseKey,
        license,
        ...(await issueAegis(service.ports, service.settings, licenseHash, license)),
      };
    }

    test('is valid, and says what it is', async () => {
      served.use({ keys: [OURS] });
      const { text, license } = await issued();
      expect(await ask(text, { product: 'demo-app', version: '3.1' })).toMatchObject({
        valid: true,
        code: null,
        license_id: license.license_id,
        session_id: null,
        customer_name: license.customer.name,
        product: 'demo-app',
        tier: 'perpetual',
        expires_at: null,
        document: { jti: license.license_id },
      });
      expect(await verdict(text, { product: 'other-app' })).toBe('product_mismatch');
      expect(await verdict(text, { version: '9.0' })).toBe('version_mismatch');
      expect(await verdict(text, { nonce: 'n' })).toBe('nonce_mismatch');
    });

    test('is refused once the licence does not hold', async () => {
      served.use({ keys: [OURS] });
      const { text, licenseKey } = await issued();
      await service.updateLicense(licenseKey, { status: 'suspended' });
      expect(await verdict(text)).toBe('license_suspended');
      await service.updateLicense(licenseKey, { status: 'revoked' });
      expect(await verdict(text)).toBe('license_revoked');
      await service.updateLicense(licenseKey, { status: 'active', expires_at: 1 });
      expect(await verdict(text)).toBe('license_expired');
    });

    test('is refused when nobody knows the licence', async () => {
      served.use({ keys: [OURS] });
      const { text, licenseKey } = await issued();
      const licenseHash = service.ports.hasher.hash('license', normalizeLicenseKey(licenseKey));
      await service.ports.store.commit([{ op: 'delete', path: licensePath(licenseHash) }]);
      expect(await verdict(text)).toBe('license_not_found');
    });

    test.each([
      ['retired', 'key_retired'],
      ['compromised', 'key_compromised'],
    ] as const)('of a %s key is refused with %s', async (state, code) => {
      const { text } = await issued();
      const [name = ''] = await provisionKeys(service.kms.endpoint, TEST_KEY_RING, [
        { id: 'license-ed25519-next', algorithm: ED },
      ]);
      served.use({
        keys: [
          { ...OURS, name },
          { ...OURS, state },
        ],
      });
      expect(await verdict(text)).toBe(code);
    });
  });

  describe('a licence of another system', () => {
    test('is valid before the end of its key, and not from then on', async () => {
      const text = aegisOf(ED, aegisPayload());
      served.use({ keys: [OURS, foreign()], now: SUNSET - 1000 });
      expect(await verdict(text, { hardware_id: FINGERPRINT })).toBe('valid null');
      expect(await verdict(text, { hardware_id: 'sha256:other' })).toBe('hardware_mismatch');
      served.use({ keys: [OURS, foreign()], now: SUNSET });
      expect(await verdict(text)).toBe('key_retired');
      served.use({ keys: [OURS, foreign({ state: 'compromised', sunsetAt: undefined })], now: NOW });
      expect(await verdict(text)).toBe('key_compromised');
      served.use({ keys: [OURS], now: NOW });
      expect(await verdict(text)).toBe('unknown_key');
    });

    test('is refused when it names another issuer than its key is of', async () => {
      served.use({ keys: [OURS, foreign({ issuer: 'aegis' })], now: NOW });
      expect(await verdict(aegisOf(ED, aegisPayload()))).toBe('issuer_mismatch');
      expect(await verdict(aegisOf(ED, aegisPayload({ iss: 'aegis' })))).toBe('valid null');
      expect(await verdict(seal(caioV2, caioPayload()))).toBe('issuer_mismatch');
    });

    test('is refused when it is revoked here', async () => {
      served.use({ keys: [OURS, foreign()], now: NOW });
      const licenseId = randomUUID();
      const text = aegisOf(ED, aegisPayload({ jti: licenseId }));
      expect(await verdict(text)).toBe('valid null');
      const licenseKey = await service.addLicense({ licenseId });
      await service.updateLicense(licenseKey, { status: 'revoked' });
      expect(await verdict(text)).toBe('license_revoked');
    });

    test('CAIO-v2 and DTLIC2 verify with the keys of their systems', async () => {
      served.use({ keys: [OURS, foreign({ issuer: 'caio' })], now: NOW });
      expect(await verdict(seal(caioV2, caioPayload()), { features: ['export'] })).toBe('valid null');
      expect(await verdict(seal(dtlic2, dtlic2Terms()))).toBe('issuer_mismatch');
      served.use({ keys: [OURS, foreign({ issuer: 'datatools' })], now: NOW });
      expect(await verdict(seal(dtlic2, dtlic2Terms()))).toBe('valid null');
      served.use({
        keys: [OURS, foreign({ issuer: 'datatools', sunsetAt: EXPIRES_AT * 2 })],
        now: EXPIRES_AT,
      });
      expect(await verdict(seal(dtlic2, dtlic2Terms()))).toBe('license_expired');
    });

    test('its key vouches for no session of ours, and is published with its issuer', async () => {
      served.use({ keys: [OURS, foreign({ issuer: 'aegis' })], now: NOW });
      expect(await served.validate(inlineOf(ED, { issuer: 'https://countersign.test' }))).toBe(
        'issuer_mismatch',
      );
      const { body } = await served.get('/.well-known/jwks.json');
      expect(body.keys).toContainEqual(
        expect.objectContaining({ kid: testKeys[ED].kid, issuer: 'aegis', state: 'retiring' }),
      );
    });
  });

  describe('CAIO-v1', () => {
    const METADATA = JSON.stringify(caioPayload());
    const genuine = caioV1Of(METADATA, { mac: createHmac('sha256', SECRET).update(METADATA).digest('hex') });
    const forged = caioV1Of(METADATA);
    const macVerifies = async () => (await service.kms.stats()).macVerifies;

    test('is accepted before its end, with a code of its own', async () => {
      served.use({ keys: [OURS, mac], now: SUNSET - 1000 });
      expect(await ask(genuine, { features: ['export'] })).toMatchObject({
        valid: true,
        code: 'legacy_accepted',
        tier: 'enterprise',
        document: { customer_id: 'acme-de-2' },
      });
      expect(await verdict(genuine, { features: ['teleport'] })).toBe('feature_missing');
    });

    test('is refused from its end on, with a code of its own and no call to the KMS', async () => {
      const before = await macVerifies();
      for (const now of [SUNSET, SUNSET + 1000]) {
        served.use({ keys: [OURS, mac], now });
        expect(await verdict(genuine)).toBe('legacy_sunset');
        expect(await verdict(forged)).toBe('legacy_sunset');
      }
      expect(await macVerifies()).toBe(before);
    });

    test('with a wrong MAC, without a key, or malformed, is refused', async () => {
      served.use({ keys: [OURS, mac], now: NOW });
      expect(await verdict(forged)).toBe('signature_invalid');
      expect(await verdict(genuine.replace('CAIO-v1-acme-de-2', 'CAIO-v1-other'))).toBe('malformed_document');
      served.use({ keys: [OURS], now: NOW });
      expect(await verdict(genuine)).toBe('unknown_key');
    });

    test('its own end counts too', async () => {
      served.use({ keys: [OURS, { ...mac, sunsetAt: EXPIRES_AT * 2 }], now: EXPIRES_AT });
      expect(await verdict(genuine)).toBe('license_expired');
    });

    test('while the KMS is away, nobody knows', async () => {
      served.use({ keys: [OURS, mac], now: NOW });
      await service.kms.setFault({ kind: 'unavailable' }, { method: 'MacVerify' });
      try {
        expect(await served.validate(genuine)).toBe('signing_unavailable');
      } finally {
        await service.kms.setFault(null);
      }
      expect(await verdict(genuine)).toBe('valid legacy_accepted');
    });

    describe('with two keys, one of which cannot be asked', () => {
      const away = (): MacKey => ({ ...mac, name: mac.name.replace('/caio-v1/', '/destroyed/') });

      test.each([
        ['first', () => [away(), mac]],
        ['last', () => [mac, away()]],
      ])('%s in the list: the other one’s yes is enough', async (_place, macs) => {
        served.use({ keys: [OURS, ...macs()], now: NOW });
        expect(await verdict(genuine)).toBe('valid legacy_accepted');
        // Its no is not: the one that cannot be asked might say yes.
        expect(await served.validate(forged)).toBe('signing_unavailable');
        expect(await served.validate(forged)).toBe('signing_unavailable');
      });

      test('and after its end it is not asked', async () => {
        served.use({ keys: [OURS, mac, { ...away(), sunsetAt: NOW }], now: NOW });
        expect(await verdict(forged)).toBe('signature_invalid');
      });

      test('both refuse before it is wrong, and neither is asked twice', async () => {
        const secret = Buffer.from('the HMAC secret of another');
        const name = await provisionMacKey(service.kms.endpoint, TEST_KEY_RING, { id: 'other', secret });
        served.use({ keys: [OURS, { ...mac, name }, mac], now: NOW });
        expect(await verdict(genuine)).toBe('valid legacy_accepted');
        expect(await verdict(forged)).toBe('signature_invalid');
        const before = await macVerifies();
        expect([await verdict(genuine), await verdict(forged)]).toEqual([
          'valid legacy_accepted',
          'signature_invalid',
        ]);
        expect(await macVerifies()).toBe(before);
      });
    });
  });
});
