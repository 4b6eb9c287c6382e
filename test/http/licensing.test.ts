/** Installations with a CAIO licence, over HTTP: activate, validate, renew, deactivate, status. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { provisionMacKey } from '../../infra/local/kms/provision-mac.ts';
import { caioV2 } from '../../shared/formats/caio-v2.ts';
import type { ForeignKey, MacKey, SigningKey } from '../../shared/keys/registry.ts';
import { addCaio, caioCallsOn, storeCaio } from '../support/caio-calls.ts';
import { caioPayload, caioV1Of, EXPIRES_AT, seal } from '../support/issued-licenses.ts';
import { TEST_KEY_RING, TEST_KEYS } from '../support/kms.ts';
import { DAY } from '../support/records.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { ED, keys as testKeys } from '../support/signed-documents.ts';

const NOW = Date.UTC(2026, 5, 1);
const SUNSET = Date.UTC(2026, 6, 1);
const SECRET = Buffer.from('the HMAC secret of CAIO-v1');

const macOf = (signed: string) => createHmac('sha256', SECRET).update(signed).digest('hex');

const OURS: SigningKey = { name: TEST_KEYS.ed25519, algorithm: ED, use: 'license', state: 'active' };
/** The key that signs in `issued-licenses.ts`, as that of the CAIO system before. */
const CAIO: ForeignKey = {
  use: 'verify',
  pem: testKeys[ED].pem,
  algorithm: ED,
  issuer: 'caio',
  kid: testKeys[ED].kid,
  state: 'retiring',
  sunsetAt: SUNSET,
};

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let served: ServedKeys;
  let mac: MacKey;
  const { call, status } = caioCallsOn(() => served.baseUrl);
  const at = (now: number) => served.use({ keys: [OURS, CAIO, mac], now });

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    served = await serveKeys(service);
    const wanted = { id: 'caio-v1', secret: SECRET };
    const name = await provisionMacKey(service.kms.endpoint, TEST_KEY_RING, wanted);
    mac = { use: 'mac', name, algorithm: 'HMAC_SHA256', sunsetAt: SUNSET };
    at(NOW);
  });

  afterAll(async () => {
    await served.stop();
    await service.stop();
  });

  describe('a licence that was issued here', () => {
    test('is activated, told about and given back', async () => {
      at(NOW);
      const { text } = await addCaio(service, { customer_id: 'hyphened-id-1', max_instances: 2 });
      const { status: code, body } = await call('activate', text, 'node-a');
      expect([code, body]).toEqual([
        200,
        {
          valid: true,
          code: null,
          error: null,
          activated: true,
          customer_id: 'hyphened-id-1',
          license_type: 'enterprise',
          features: ['reports', 'export'],
          limits: { max_instances: 2, max_services: 20, max_requests_per_day: 1_000_000 },
          expires_at: '2028-02-29T00:00:00.000+00:00',
          days_left: Math.ceil((EXPIRES_AT - NOW) / DAY),
          instances_in_use: 1,
          first_seen_at: '2026-06-01T00:00:00.000+00:00',
          last_seen_at: '2026-06-01T00:00:00.000+00:00',
        },
      ]);
      expect((await call('validate', text, 'node-a')).body).toEqual(body);
      expect((await status('node-a')).body).toEqual(body);
      expect((await call('validate', text)).body).toMatchObject({ valid: true, activated: false });
      expect((await call('deactivate', text, 'node-a')).body).toEqual({ deactivated: true });
      expect((await call('deactivate', text, 'node-a')).body).toEqual({ deactivated: false });
      expect(await status('node-a')).toMatchObject({ status: 404, body: { code: 'activation_not_found' } });
    });

    test('has one activation of an instance, however often it asks', async () => {
      at(NOW);
      const { text } = await addCaio(service, { customer_id: 'asks-again', max_instances: 1 });
      const answers = await Promise.all(Array.from({ length: 8 }, () => call('activate', text, 'twice')));
      expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(200));
      at(NOW + DAY);
      const { body } = await call('activate', text, 'twice');
      expect(body).toMatchObject({ instances_in_use: 1, last_seen_at: '2026-06-02T00:00:00.000+00:00' });
      expect(body.first_seen_at).toBe('2026-06-01T00:00:00.000+00:00');
    });

    test('of ten instances has ten activations when fifty ask at once', async () => {
      at(NOW);
      const { text } = await addCaio(service, { customer_id: 'racing', max_instances: 10 });
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => call('activate', text, `racer-${i}`)),
      );
      const refused = answers.filter((answer) => answer.status === 409);
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(10);
      expect(refused).toHaveLength(40);
      for (const { body } of refused)
        expect(body).toMatchObject({ code: 'activations_exhausted', max_instances: 10 });
      expect((await call('validate', text)).body.instances_in_use).toBe(10);
      const live = answers.findIndex((answer) => answer.status === 200);
      await call('deactivate', text, `racer-${live}`);
      expect((await call('activate', text, 'late')).status).toBe(200);
      expect((await call('activate', text, 'too-late')).status).toBe(409);
    });

    test('with a lowered number keeps that many, and the others may come back', async () => {
      at(NOW);
      const { text, licenseKey } = await addCaio(service, { customer_id: 'lowered', max_instances: 3 });
      for (const id of ['x', 'y', 'z']) await call('activate', text, `low-${id}`);
      const limits = { max_instances: 1, max_services: 1, max_requests_per_day: 1 };
      await service.updateLicense(licenseKey, { limits });
      const ids = ['low-x', 'low-y', 'low-z'];
      const told = await Promise.all(ids.map(async (id) => (await status(id)).body));
      const live = ids.filter((_, i) => told[i].activated);
      expect(live).toHaveLength(1);
      expect(told[0]).toMatchObject({ limits, instances_in_use: 1 });
      const other = ids.find((id) => !live.includes(id)) ?? '';
      expect((await call('activate', text, other)).body).toMatchObject({ code: 'activations_exhausted' });
      await call('deactivate', text, live[0] ?? '');
      expect((await call('activate', text, other)).body).toMatchObject({
        activated: true,
        instances_in_use: 1,
      });
    });

    test('that does not hold is not activated, and says why', async () => {
      at(NOW);
      const { text, licenseKey } = await addCaio(service, { customer_id: 'revoked' });
      await call('activate', text, 'before');
      await service.updateLicense(licenseKey, { status: 'revoked' });
      expect((await call('activate', text, 'after')).body).toMatchObject({
        status: 403,
        code: 'license_revoked',
      });
      expect((await call('validate', text, 'before')).body).toMatchObject({
        valid: false,
        code: 'license_revoked',
        activated: true,
      });
      expect((await status('before')).body).toMatchObject({ valid: false, code: 'license_revoked' });
      expect((await call('deactivate', text, 'before')).body).toEqual({ deactivated: true });
    });

    test('is over at its end', async () => {
      const { text } = await addCaio(service, { customer_id: 'ending' });
      at(EXPIRES_AT - 1);
      expect((await call('activate', text, 'end')).body).toMatchObject({ valid: true, days_left: 1 });
      at(EXPIRES_AT);
      expect((await status('end')).body).toMatchObject({ valid: false, days_left: 0 });
      expect((await call('validate', text)).body).toMatchObject({ valid: false, code: 'license_expired' });
      for (const name of ['activate', 'renew'] as const)
        expect((await call(name, text, 'end')).body).toMatchObject({ status: 403, code: 'license_expired' });
    });

    test('is renewed when its operator has renewed it, also after its end', async () => {
      const old = await addCaio(service, { customer_id: 'renewing' });
      at(NOW);
      expect((await call('renew', old.text)).body).toMatchObject({ license_key: old.text, renewed: false });
      const longer = caioPayload({
        customer_id: 'renewing',
        issued_at: '2026-05-01T00:00:00+00:00',
        expires_at: '2030-01-01T00:00:00+00:00',
      });
      const renewed = await storeCaio(service.ports, old, longer, 'renewed');
      await service.updateLicense(old.licenseKey, { expires_at: Date.UTC(2030, 0, 1) });
      for (const now of [NOW, EXPIRES_AT]) {
        at(now);
        expect((await call('renew', old.text)).body).toMatchObject({
          license_key: renewed,
          renewed: true,
          expires_at: '2030-01-01T00:00:00.000+00:00',
        });
      }
      await call('activate', renewed, 'renewer');
      expect((await status('renewer')).body).toMatchObject({ valid: true, instances_in_use: 1 });
      await service.updateLicense(old.licenseKey, { status: 'suspended' });
      expect((await call('renew', old.text)).body).toMatchObject({ code: 'license_suspended' });
    });

    test('keeps its instances when it is renewed', async () => {
      at(NOW);
      const old = await addCaio(service, { customer_id: 'keeping', max_instances: 1 });
      await call('activate', old.text, 'keeper');
      const next = caioPayload({ customer_id: 'keeping', max_instances: 1, version: '2.1' });
      const renewed = await storeCaio(service.ports, old, next, 'renewed');
      expect((await call('activate', renewed, 'other')).body).toMatchObject({
        code: 'activations_exhausted',
      });
      expect((await call('activate', renewed, 'keeper')).body).toMatchObject({ instances_in_use: 1 });
    });

    test('that went to another customer is not the first one’s any more', async () => {
      at(NOW);
      const { text, licenseKey } = await addCaio(service, { customer_id: 'giver' });
      await service.updateLicense(licenseKey, {
        customer: { id: 'taker', name: 'Taker' },
        customer_id: 'taker',
      });
      for (const name of ['activate', 'renew'] as const)
        expect((await call(name, text, 'n')).body).toMatchObject({
          status: 403,
          code: 'license_transferred',
        });
    });

    test('whose text is not on record is nobody’s', async () => {
      at(NOW);
      const { hash, licenseId } = await addCaio(service, { customer_id: 'gone' });
      const text = await storeCaio(
        service.ports,
        { hash, licenseId },
        caioPayload({ customer_id: 'gone', version: '9' }),
        'gone',
      );
      const path = `licenses/${hash}/documents/caio-v2_gone`;
      await service.ports.store.commit([{ op: 'delete', path }]);
      expect((await call('activate', text, 'n')).body).toMatchObject({ code: 'license_not_found' });
      expect(await served.validate(text)).toBe('license_not_found');
    });
  });

  describe('a licence of the system before', () => {
    test('is counted by itself, until the end of its key', async () => {
      at(NOW);
      const text = seal(caioV2, caioPayload({ customer_id: 'old-one', max_instances: 1 }));
      const another = seal(caioV2, caioPayload({ customer_id: 'old-one', max_instances: 1, version: '2.1' }));
      expect((await call('activate', text, 'old-a')).body).toMatchObject({
        valid: true,
        instances_in_use: 1,
      });
      expect((await call('activate', text, 'old-b')).body).toMatchObject({ code: 'activations_exhausted' });
      expect((await call('activate', another, 'old-b')).status).toBe(200);
      expect((await call('renew', text)).body).toMatchObject({ code: 'license_not_found' });
      expect((await status('old-a')).body).toMatchObject({ valid: true, activated: true });
      at(SUNSET);
      expect((await status('old-a')).body).toMatchObject({ valid: false, code: 'key_retired' });
      expect((await call('activate', text, 'old-a')).body).toMatchObject({
        status: 403,
        code: 'license_not_accepted',
        reason: 'key_retired',
      });
    });

    test('CAIO-v1 is activated whatever customer its text names', async () => {
      at(NOW);
      const { customer_id: _, ...metadata } = caioPayload({ max_instances: 1 });
      const signed = JSON.stringify(metadata);
      const text = caioV1Of(signed, { mac: macOf(signed) });
      expect((await call('activate', text, 'v1-a')).body).toMatchObject({ valid: true, customer_id: null });
      const renamed = caioV1Of(signed, { mac: macOf(signed), customerId: 'somebody-else' });
      expect((await call('activate', renamed, 'v1-b')).body).toMatchObject({ code: 'activations_exhausted' });
    });

    test('CAIO-v1 is refused from the second of its end on, everywhere and with a code of its own', async () => {
      const signed = JSON.stringify(caioPayload({ version: 'sunset' }));
      const text = caioV1Of(signed, { mac: macOf(signed) });
      at(SUNSET - 1);
      expect((await call('activate', text, 'sunset')).body).toMatchObject({ valid: true, activated: true });
      expect((await call('validate', text, 'sunset')).body).toMatchObject({
        valid: true,
        code: 'legacy_accepted',
      });
      expect((await status('sunset')).body).toMatchObject({ valid: true });
      expect((await call('renew', text)).body).toMatchObject({ code: 'license_not_found' });
      for (const now of [SUNSET, SUNSET + 1000]) {
        at(now);
        const before = service.dumpStore();
        for (const name of ['activate', 'renew', 'deactivate'] as const)
          expect((await call(name, text, 'sunset')).body, name).toMatchObject({
            status: 403,
            code: 'legacy_sunset',
          });
        for (const told of [await call('validate', text, 'sunset'), await status('sunset')])
          expect(told.body).toMatchObject({ valid: false, code: 'legacy_sunset' });
        expect(await served.validate(text)).toBe('legacy_sunset');
        expect(service.dumpStore()).toBe(before);
      }
    });

    test('whose metadata has no number is recorded and not counted', async () => {
      at(NOW);
      const signed = JSON.stringify({ customer_id: 'acme-de-2' });
      const text = caioV1Of(signed, { mac: macOf(signed) });
      for (const id of ['many-1', 'many-2', 'many-3'])
        expect((await call('activate', text, id)).status).toBe(200);
      expect((await status('many-3')).body).toMatchObject({
        instances_in_use: 3,
        limits: { max_instances: null },
      });
      expect((await call('deactivate', text, 'many-1')).body).toEqual({ deactivated: true });
      expect((await call('validate', text, 'many-1')).body).toMatchObject({
        activated: false,
        instances_in_use: 2,
      });
    });
  });

  test('a question to the KMS about a CAIO-v1 text is asked once, and its end is looked at each time', async () => {
    at(NOW);
    const signed = JSON.stringify(caioPayload({ version: 'asked once' }));
    const genuine = caioV1Of(signed, { mac: macOf(signed) });
    const forged = caioV1Of(signed);
    const asked = async () => (await service.kms.stats()).macVerifies;
    const before = await asked();
    for (let i = 0; i < 5; i++) {
      expect(await served.validate(genuine)).toBe('valid');
      expect(await served.validate(forged)).toBe('signature_invalid');
    }
    expect((await asked()) - before).toBe(2);
    at(SUNSET);
    expect(await served.validate(genuine)).toBe('legacy_sunset');
    expect((await asked()) - before).toBe(2);
  });
});
