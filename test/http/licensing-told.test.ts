/** What clients are told of issued licences that are over, refused, of old, or given another end: the truth, with its code. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { provisionMacKey } from '../../infra/local/kms/provision-mac.ts';
import type { MacKey } from '../../shared/keys/registry.ts';
import { addCaio, caioCallsOn } from '../support/caio-calls.ts';
import { ISSUED, issueInEveryFormat, OURS, transfer } from '../support/every-format.ts';
import { caioPayload, caioV1Of, EXPIRES_AT } from '../support/issued-licenses.ts';
import { TEST_KEY_RING } from '../support/kms.ts';
import { DAY, deskOn, HOLDER, of } from '../support/license-desk.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const NOW = Date.UTC(2026, 5, 1);
const SUNSET = Date.UTC(2026, 6, 1);
const SECRET = Buffer.from('the HMAC secret of CAIO-v1');

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let served: ServedKeys;
  let mac: MacKey;
  const desk = deskOn(() => service);
  const { call, status } = caioCallsOn(() => served.baseUrl);
  const at = (now: number) => served.use({ keys: [OURS, mac], now });

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    served = await serveKeys(service);
    const wanted = { id: 'caio-v1', secret: SECRET };
    const name = await provisionMacKey(service.kms.endpoint, TEST_KEY_RING, wanted);
    mac = { use: 'mac', name, algorithm: 'HMAC_SHA256', sunsetAt: SUNSET };
    await desk.openDesk();
  });
  afterAll(async () => {
    await served.stop();
    await service.stop();
  });

  async function validate(token: string, more: object = {}): Promise<Answer['body']> {
    const response = await fetch(new URL('/api/v1/licenses/validate', served.baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, ...more }),
    });
    return response.json();
  }

  /** What `validate` says of a genuine one that is refused. */
  const NAMES = {
    aegis: (id: string) => ({ license_id: id, customer_name: 'Customer acme-gmbh' }),
    'caio-v2': () => ({ license_id: null, customer_name: null }),
    dtlic2: (_: string, key: string) => ({ license_id: key, customer_name: HOLDER.name }),
  } as const;

  describe.each(ISSUED)('%s', (format) => {
    test.each([
      ['license_revoked', { status: 'revoked' }],
      ['license_suspended', { status: 'suspended' }],
    ] as const)(
      'of a genuine one that is refused with %s says which it is and when it ends',
      async (code, fields) => {
        const { id, licenseKey, texts, expiresAt } = await issueInEveryFormat(desk);
        at(expiresAt - DAY);
        await service.updateLicense(licenseKey, fields);
        const body = await validate(texts[format]);
        expect(body).toMatchObject({
          valid: false,
          code,
          ...NAMES[format](id, licenseKey),
          license_type: expect.any(String),
          ...{ tier: null, features: null, product: null, document: null },
        });
        expect(Math.floor(Date.parse(body.expires_at) / 1000)).toBe(Math.floor(expiresAt / 1000));
      },
    );

    test('that is over is license_expired, and is told to be renewed', async () => {
      const { id, licenseKey, texts, expiresAt } = await issueInEveryFormat(desk);
      at(expiresAt);
      const body = await validate(texts[format]);
      expect(body).toMatchObject({
        valid: false,
        code: 'license_expired',
        error: 'This licence has expired. Renew it with the vendor.',
        ...NAMES[format](id, licenseKey),
      });
      expect(Date.parse(body.expires_at)).toBeLessThanOrEqual(expiresAt);
    });

    test('that was altered says nothing of whose it was', async () => {
      const { texts, expiresAt } = await issueInEveryFormat(desk);
      at(expiresAt - DAY);
      const text = texts[format];
      const last = text.length - 6;
      const altered = text.slice(0, last) + (text[last] === 'A' ? 'B' : 'A') + text.slice(last + 1);
      expect(await validate(altered)).toMatchObject({
        code: 'signature_invalid',
        ...{ license_id: null, customer_name: null, license_type: null, expires_at: null },
      });
    });

    test('of one that was given a sooner end says that end', async () => {
      const { licenseKey, texts, expiresAt } = await issueInEveryFormat(desk);
      const sooner = expiresAt - 100 * DAY;
      await service.updateLicense(licenseKey, { expires_at: sooner });
      for (const [now, code] of [
        [sooner - DAY, null],
        [sooner, 'license_expired'],
      ] as const) {
        at(now);
        const body = await validate(texts[format]);
        expect([body.code, Date.parse(body.expires_at)]).toEqual([code, sooner]);
      }
    });

    test('of a former customer’s says nothing of the present one', async () => {
      const license = await issueInEveryFormat(desk);
      at(license.expiresAt - DAY);
      await transfer(desk, license, 'other-co');
      const expires_at = new Date(license.expiresAt - 50 * DAY).toISOString();
      await desk.operator('PATCH', of(license.id), { features: ['secret-feature'], expires_at });
      const body = await validate(license.texts[format]);
      expect(body).toMatchObject({
        code: 'license_transferred',
        ...NAMES[format](license.id, license.licenseKey),
      });
      expect(Math.floor(Date.parse(body.expires_at) / 1000)).toBe(Math.floor(license.expiresAt / 1000));
      expect(JSON.stringify(body)).not.toMatch(/other-co|Other Holder|secret-feature/);
    });
  });

  test('days_left are those until the end on record, also of an instance that activated before it was moved', async () => {
    const { text, licenseKey } = await addCaio(service, { customer_id: `moved-${store}` });
    at(EXPIRES_AT - 30 * DAY);
    expect((await call('activate', text, `moved-${store}`)).body).toMatchObject({ days_left: 30 });
    const key = { 'idempotency-key': `moved-${store}` };
    const first = (await call('activate', text, `moved-${store}`, key)).body;
    const end = EXPIRES_AT - 25 * DAY;
    await service.updateLicense(licenseKey, { expires_at: end });
    const expires_at = new Date(end).toISOString().replace('Z', '+00:00');
    for (const told of [
      await call('validate', text),
      await status(`moved-${store}`),
      await call('activate', text, `moved-${store}`),
    ])
      expect(told.body).toMatchObject({ valid: true, days_left: 5, expires_at });
    expect((await call('activate', text, `moved-${store}`, key)).body).toEqual(first);
    at(end);
    for (const told of [await call('validate', text), await status(`moved-${store}`)])
      expect(told.body).toMatchObject({ code: 'license_expired', days_left: 0, expires_at });
    // Given back, it is as it was: nothing of it was kept with the activation.
    await service.updateLicense(licenseKey, { expires_at: EXPIRES_AT });
    expect((await status(`moved-${store}`)).body).toMatchObject({ valid: true, days_left: 25 });
  });

  test('an instance of two licences hears of the one that it activated last, however fast', async () => {
    const [a, b] = [
      await addCaio(service, { customer_id: `first-${store}` }),
      await addCaio(service, { customer_id: `second-${store}` }),
    ];
    const told = [];
    for (const [second, { text }] of [a, b, a, a, b].entries()) {
      at(NOW + second * 1000);
      expect((await call('activate', text, `both-${store}`)).status).toBe(200);
      told.push((await status(`both-${store}`)).body.customer_id);
    }
    const [first, second] = [`first-${store}`, `second-${store}`];
    expect(told).toEqual([first, second, first, first, second]);
  });

  describe('CAIO-v1', () => {
    const v1 = (metadata: object) => {
      const signed = JSON.stringify(metadata);
      return caioV1Of(signed, { mac: createHmac('sha256', SECRET).update(signed).digest('hex') });
    };

    test('says everywhere that it is accepted, and until when', async () => {
      at(SUNSET - 1);
      const text = v1(caioPayload());
      const key = { 'idempotency-key': `v1-${store}` };
      const notice = {
        valid: true,
        code: 'legacy_accepted',
        error: expect.stringContaining('until 2026-07-01T00:00:00.000+00:00 at the latest'),
      };
      expect(await validate(text)).toMatchObject(notice);
      for (const told of [
        await call('activate', text, 'old', key),
        await call('activate', text, 'old', key),
        await call('activate', text, 'old'),
        await call('validate', text, 'old'),
        await call('validate', text),
        await status('old'),
      ])
        expect(told.body).toMatchObject(notice);
    });

    test('that is refused says why, and nothing of being accepted', async () => {
      at(NOW);
      const text = v1(caioPayload({ expires_at: '2026-06-01T00:00:00+00:00' }));
      expect((await call('validate', text)).body).toMatchObject({ valid: false, code: 'license_expired' });
      expect(await validate(text)).toMatchObject({ valid: false, code: 'license_expired' });
      at(SUNSET);
      expect((await call('validate', v1(caioPayload()))).body).toMatchObject({ code: 'legacy_sunset' });
    });

    test('with a negative number allows any, with zero none', async () => {
      at(NOW);
      const any = v1(caioPayload({ version: 'any', max_instances: -1, max_services: -1 }));
      for (const id of ['any-1', 'any-2', 'any-3'])
        expect((await call('activate', any, id)).body).toMatchObject({
          valid: true,
          limits: { max_instances: null, max_services: null, max_requests_per_day: 1_000_000 },
        });
      expect((await call('validate', any)).body).toMatchObject({ instances_in_use: 3 });
      const none = v1(caioPayload({ version: 'none', max_instances: 0 }));
      expect((await call('activate', none, 'none-1')).body).toMatchObject({
        code: 'activations_exhausted',
        detail: 'This licence allows no instance. Ask the vendor for one that does.',
        max_instances: 0,
      });
      const one = v1(caioPayload({ version: 'one', max_instances: 1 }));
      await call('activate', one, 'one-1');
      expect((await call('activate', one, 'one-2')).body.detail).toBe(
        'Every instance that this licence allows (1) is activated. Deactivate one first.',
      );
    });
  });
});
