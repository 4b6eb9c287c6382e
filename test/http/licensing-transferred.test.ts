/** A licence that was transferred: what its former customer is told online, and what its new one is. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caioV2 } from '../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import type { ForeignKey } from '../../shared/keys/registry.ts';
import { caioCallsOn } from '../support/caio-calls.ts';
import { ISSUED, issueInEveryFormat, newestTexts, OURS, transfer } from '../support/every-format.ts';
import { dtlic2Terms, seal } from '../support/issued-licenses.ts';
import { deskOn, of, refusal } from '../support/license-desk.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { ED, keys as testKeys } from '../support/signed-documents.ts';

const DATATOOLS: ForeignKey = {
  use: 'verify',
  pem: testKeys[ED].pem,
  algorithm: ED,
  issuer: 'datatools',
  kid: testKeys[ED].kid,
  state: 'retiring',
  sunsetAt: Date.UTC(2040, 0, 1),
};

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let served: ServedKeys;
  const desk = deskOn(() => service);
  const { call, status } = caioCallsOn(() => served.baseUrl);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    served = await serveKeys(service);
    served.use({ keys: [OURS] });
    await desk.openDesk();
  });
  afterAll(async () => {
    await served.stop();
    await service.stop();
  });

  test.each(ISSUED)(
    '%s: the former customer’s is refused with a code of its own, the new one’s holds',
    async (format) => {
      const license = await issueInEveryFormat(desk);
      const former = license.texts[format];
      expect(await served.validate(former)).toBe('valid');
      await transfer(desk, license, 'other-co');
      const own = (await newestTexts(desk, license.id))[format];
      expect(await served.validate(former)).toBe('license_transferred');
      expect(refusal(await call('renew', former))).toEqual([403, 'license_transferred']);
      expect(await served.validate(own)).toBe('valid');
      expect((await call('renew', own)).body).toMatchObject({ license_key: own, renewed: false });
    },
  );

  test.each(ISSUED)('%s: what becomes of it is the new customer’s business', async (format) => {
    const license = await issueInEveryFormat(desk);
    await transfer(desk, license, 'other-co');
    await desk.operator('DELETE', of(license.id, '/revoke'), { reason: 'chargeback' });
    const former = license.texts[format];
    expect(await served.validate(former)).toBe('license_transferred');
    expect(refusal(await call('renew', former))).toEqual([403, 'license_transferred']);
    expect(await served.validate((await newestTexts(desk, license.id))[format])).toBe('license_revoked');
  });

  test.each(ISSUED)('%s: given back to its first customer, their documents hold again', async (format) => {
    const license = await issueInEveryFormat(desk);
    await transfer(desk, license, 'other-co');
    const between = (await newestTexts(desk, license.id))[format];
    await transfer(desk, license, 'acme-gmbh');
    expect(await served.validate(license.texts[format])).toBe('valid');
    expect(await served.validate(between)).toBe('license_transferred');
    const { license_key: renewed } = (await call('renew', license.texts[format])).body;
    expect(await served.validate(renewed)).toBe('valid');
    expect((await newestTexts(desk, license.id))[format]).toBe(renewed);
  });

  test('an installation of the former customer cannot be activated, hears nothing of the new one’s, and can be given back', async () => {
    const license = await issueInEveryFormat(desk);
    const former = license.texts['caio-v2'];
    await call('activate', former, 'former');
    await transfer(desk, license, 'other-co');
    const own = (await newestTexts(desk, license.id))['caio-v2'];
    await call('activate', own, 'own');
    const limits = { max_instances: 7, max_services: 7, max_requests_per_day: 7 };
    await desk.operator('PATCH', of(license.id), { limits });

    expect(refusal(await call('activate', former, 'late'))).toEqual([403, 'license_transferred']);
    for (const told of [await call('validate', former, 'former'), await status('former')])
      expect(told.body).toMatchObject({
        valid: false,
        code: 'license_transferred',
        customer_id: 'acme-gmbh',
        limits: { max_instances: 2 },
        instances_in_use: 0,
      });
    expect((await status('own')).body).toMatchObject({ valid: true, limits, instances_in_use: 2 });
    expect((await call('deactivate', former, 'former')).body).toEqual({ deactivated: true });
    expect((await status('own')).body).toMatchObject({ instances_in_use: 1 });
  });

  test('a transfer that leaves the holder leaves a DTLIC2 document as it is, which names no customer', async () => {
    const license = await issueInEveryFormat(desk);
    await desk.operator('POST', of(license.id, '/transfer'), { customer_id: 'other-co' });
    expect(await served.validate(license.texts.dtlic2)).toBe('valid');
    expect((await call('renew', license.texts.dtlic2)).body).toMatchObject({ renewed: false });
    expect(await served.validate(license.texts.aegis)).toBe('license_transferred');
  });

  test('another holder with the same customer: the former one’s document is refused, the customer’s hold', async () => {
    const license = await issueInEveryFormat(desk);
    await transfer(desk, license, 'acme-gmbh', { name: 'A Colleague', email: 'colleague@acme.example' });
    const own = await newestTexts(desk, license.id);
    expect(await served.validate(license.texts.dtlic2)).toBe('license_transferred');
    expect(await served.validate(own.dtlic2)).toBe('valid');
    expect(own).toMatchObject({ aegis: license.texts.aegis, 'caio-v2': license.texts['caio-v2'] });
  });

  test.each([{}, { name: 'A' }, { name: 'A', email: 'no address' }, { name: '', email: 'a@b.example' }, 'A'])(
    'a transfer to the holder %j is refused with 422',
    async (holder) => {
      const { id } = await issueInEveryFormat(desk);
      const before = service.dumpStore();
      const answer = await desk.operator('POST', of(id, '/transfer'), { customer_id: 'other-co', holder });
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect(service.dumpStore()).toBe(before);
    },
  );

  test('a DTLIC2 text of the system before that is not on record names its holder all the same', async () => {
    const licenseKey = `DT1-${store}-5dd8e1db`;
    const holder = { name: 'Zoë Müller', email: 'zoe@example.com' };
    const license = await issueInEveryFormat(desk, { license_key: licenseKey, holder });
    const text = seal(dtlic2, dtlic2Terms({ license_key: licenseKey, expires_at: null }));
    served.use({ keys: [OURS, DATATOOLS] });
    try {
      expect(await served.validate(text)).toBe('valid');
      expect((await call('renew', text)).body).toMatchObject({ license_key: license.texts.dtlic2 });
      await transfer(desk, license, 'other-co');
      expect(await served.validate(text)).toBe('license_transferred');
    } finally {
      served.use({ keys: [OURS] });
    }
  });

  test('a CAIO text of a customer that is not on record stays not found', async () => {
    const payload = { ...caioV2.takeApart((await issueInEveryFormat(desk)).texts['caio-v2']).payload };
    const asked = { ...payload, version: 'another' } as unknown as Parameters<typeof caioV2.signedBytes>[0];
    const signature = await service.ports.keys.sign(ED, (key) => caioV2.signedBytes(asked, key));
    expect(await served.validate(caioV2.encode(asked, signature))).toBe('license_not_found');
  });
});
