/**
 * Licences whose key verifies nothing any more: who has one fetches what was re-issued for it, and who has stolen the key
 * does not. Over HTTP, on both stores; the thief signs with the key itself.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import { ISSUED_FORMATS, type IssuedFormat } from '../../shared/formats/issued.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { caioCallsOn } from '../support/caio-calls.ts';
import {
  type InEveryFormat,
  ISSUED,
  type Issued,
  issueInEveryFormat,
  newestTexts,
  nextKey,
  OURS,
  reissueBy,
  transfer,
} from '../support/every-format.ts';
import { deskOn, of, refusal } from '../support/license-desk.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let served: ServedKeys;
  let next: SigningKey;
  let license: InEveryFormat;
  const desk = deskOn(() => service);
  const { call } = caioCallsOn(() => served.baseUrl);

  const old = (more: Partial<SigningKey>) => served.use({ keys: [next, { ...OURS, ...more }] });
  const retired = () => old({ state: 'retired' });
  const compromised = () => old({ state: 'compromised' });

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    served = await serveKeys(service);
    next = await nextKey(service);
    await desk.openDesk();
  });
  afterAll(async () => {
    await served.stop();
    await service.stop();
  });
  beforeEach(async () => {
    served.use({ keys: [OURS] });
    license = await issueInEveryFormat(desk);
  });

  async function reissued(format: Issued): Promise<string> {
    await reissueBy(service, next);
    const text = (await newestTexts(desk, license.id))[format];
    expect(text).not.toBe(license.texts[format]);
    return text;
  }

  /** Whatever the thief likes, signed by the key that they have. */
  async function forged(format: Issued, change: (payload: JsonObject) => JsonObject): Promise<string> {
    const { [format]: row } = ISSUED_FORMATS;
    const { kid: _, ...payload } = row.takeApart(license.texts[format]).payload;
    const terms = change(payload as JsonObject);
    const any = row as unknown as IssuedFormat<JsonObject>;
    const signature = await service.ports.keys.sign('EC_SIGN_ED25519', (key) => any.signedBytes(terms, key));
    return any.encode(terms, signature);
  }

  describe.each(ISSUED)('%s', (format) => {
    test('of a key whose sunset has passed, and of a retired one, is answered with what was re-issued', async () => {
      const sunsetAt = service.ports.clock.now();
      old({ state: 'retiring', sunsetAt });
      expect((await call('renew', license.texts[format])).body).toMatchObject({
        status: 403,
        code: 'license_not_accepted',
        reason: 'key_retired',
      });
      const text = await reissued(format);
      for (const state of [{ state: 'retiring', sunsetAt }, { state: 'retired' }] as const) {
        old(state);
        expect(await served.validate(license.texts[format])).not.toBe('valid');
        const { status, body } = await call('renew', license.texts[format]);
        expect([status, body]).toMatchObject([200, { license_key: text, renewed: true }]);
        expect(await served.validate(body.license_key)).toBe('valid');
      }
    });

    test('at the second of the sunset it is the re-issued one, before it whichever is newest', async () => {
      const text = await reissued(format);
      const sunsetAt = service.ports.clock.now() + 60_000;
      for (const now of [sunsetAt - 1000, sunsetAt]) {
        served.use({ keys: [next, { ...OURS, state: 'retiring', sunsetAt }], now });
        expect((await call('renew', license.texts[format])).body).toMatchObject({ license_key: text });
      }
      // Nothing is handed out that its key does not vouch for.
      served.use({ keys: [OURS, { ...next, state: 'compromised' }] });
      expect((await call('renew', license.texts[format])).body).toMatchObject({
        license_key: license.texts[format],
        renewed: false,
      });
    });

    test('of a retired key tells of a revocation, a suspension and a transfer', async () => {
      await reissued(format);
      const text = license.texts[format];
      await desk.operator('POST', of(license.id, '/suspend'), { reason: 'unpaid' });
      retired();
      expect(refusal(await call('renew', text))).toEqual([403, 'license_suspended']);
      await desk.operator('POST', of(license.id, '/reinstate'), {});
      await transfer(desk, license, 'other-co');
      expect(refusal(await call('renew', text))).toEqual([403, 'license_transferred']);
      await transfer(desk, license, 'acme-gmbh');
      await desk.operator('DELETE', of(license.id, '/revoke'), { reason: 'over' });
      expect(refusal(await call('renew', text))).toEqual([403, 'license_revoked']);
    });

    test('of a licence that came back from another customer is not answered with what was re-issued for that one', async () => {
      await transfer(desk, license, 'other-co');
      await reissueBy(service, next);
      const others = (await newestTexts(desk, license.id))[format];
      await transfer(desk, license, 'acme-gmbh');
      retired();
      expect((await call('renew', others)).body).toMatchObject({ code: 'license_transferred' });
      expect((await call('renew', license.texts[format])).body).toMatchObject({
        code: 'license_not_accepted',
        reason: 'key_retired',
      });
    });

    test('that the thief of a compromised key has made up fetches nothing, not even whether there is such a licence', async () => {
      await reissued(format);
      const longer = await forged(format, (payload) =>
        format === 'aegis'
          ? { ...payload, exp: (payload.exp as number) + 1 }
          : { ...payload, expires_at: '2099-01-01T00:00:00+00:00' },
      );
      const nobodys = await forged(format, (payload) => ({
        ...payload,
        ...(format === 'aegis' && { jti: '00000000-0000-4000-8000-000000000000' }),
        ...(format === 'caio-v2' && { customer_id: 'nobody' }),
        ...(format === 'dtlic2' && { license_key: 'DT1-NOBODY' }),
      }));
      compromised();
      const before = service.dumpStore();
      const answers = await Promise.all([longer, nobodys].map((text) => call('renew', text)));
      const [first, second] = answers.map(({ status, body }) => ({ ...body, status, request_id: '' }));
      expect(first).toMatchObject({ status: 403, code: 'license_not_accepted' });
      expect(first?.reason).toBe(format === 'caio-v2' ? 'signature_invalid' : 'key_compromised');
      expect(second).toEqual(first);
      retired();
      for (const text of [longer, nobodys])
        expect((await call('renew', text)).body).toMatchObject({ code: 'license_not_accepted' });
      expect(service.dumpStore()).toBe(before);
    });
  });

  test.each(['aegis', 'dtlic2'] as const)(
    '%s of a compromised key, as it is on record, is answered with what was re-issued',
    async (format) => {
      compromised();
      expect((await call('renew', license.texts[format])).body).toMatchObject({
        code: 'license_not_accepted',
        reason: 'key_compromised',
      });
      const text = await reissued(format);
      const { body } = await call('renew', license.texts[format]);
      expect(body).toMatchObject({ license_key: text, renewed: true });
      expect(await served.validate(body.license_key)).toBe('valid');
    },
  );

  test('a CAIO text of a compromised key can be put together by its thief, so only an activated instance fetches the new one', async () => {
    const text = license.texts['caio-v2'];
    await call('activate', text, 'an-instance-of-theirs');
    // Nothing in it is secret, and Ed25519 signs alike each time (RFC 8032 §5.1.6).
    expect(await forged('caio-v2', (payload) => payload)).toBe(text);
    const fresh = await reissued('caio-v2');
    compromised();
    for (const instanceId of [undefined, 'a-guess'])
      expect(refusal(await call('renew', text, instanceId))).toEqual([403, 'license_not_accepted']);
    expect((await call('renew', text, 'an-instance-of-theirs')).body).toMatchObject({
      license_key: fresh,
      renewed: true,
    });
    await call('deactivate', fresh, 'an-instance-of-theirs');
    expect(refusal(await call('renew', text, 'an-instance-of-theirs'))).toEqual([
      403,
      'license_not_accepted',
    ]);
  });

  test('an instance that is activated on another licence fetches nothing', async () => {
    const another = await issueInEveryFormat(desk, { customer_id: 'other-co' });
    await call('activate', another.texts['caio-v2'], 'an-instance-of-another');
    await reissued('caio-v2');
    compromised();
    expect(refusal(await call('renew', license.texts['caio-v2'], 'an-instance-of-another'))).toEqual([
      403,
      'license_not_accepted',
    ]);
  });

  test('a text on record whose key is not listed any more proves nothing', async () => {
    await reissued('dtlic2');
    served.use({ keys: [next] });
    for (const format of ISSUED)
      expect((await call('renew', license.texts[format])).body).toMatchObject({
        code: 'license_not_accepted',
        reason: format === 'caio-v2' ? 'signature_invalid' : 'unknown_key',
      });
  });

  test('a broken signature over what is on record proves nothing, whatever has become of the key', async () => {
    await reissued('dtlic2');
    for (const state of ['retired', 'compromised'] as const)
      for (const format of ISSUED) {
        old({ state });
        const broken = license.texts[format].replace(/.{8}(=*)$/, 'AAAAAAAA$1');
        expect(refusal(await call('renew', broken, 'n'))).toEqual([403, 'license_not_accepted']);
      }
  });
});
