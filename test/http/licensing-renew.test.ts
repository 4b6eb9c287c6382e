/** Whoever has a document of a licence fetches its newest one, in the same format: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { decodeIssued } from '../../shared/formats/issued.ts';
import { caioCallsOn } from '../support/caio-calls.ts';
import {
  type InEveryFormat,
  ISSUED,
  issueInEveryFormat,
  newestTexts,
  OURS,
} from '../support/every-format.ts';
import { aegisOf, aegisPayload, dtlic2Terms, seal } from '../support/issued-licenses.ts';
import { DAY, deskOn, freshKey, of, refusal } from '../support/license-desk.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { ED, keys as testKeys } from '../support/signed-documents.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let served: ServedKeys;
  const desk = deskOn(() => service);
  const { call } = caioCallsOn(() => served.baseUrl);
  const at = (now?: number) => served.use({ keys: [OURS], ...(now !== undefined && { now }) });

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    served = await serveKeys(service);
    await desk.openDesk();
    at();
  });
  afterAll(async () => {
    await served.stop();
    await service.stop();
  });

  const endOf = (text: string) => decodeIssued(text)?.license.expiresAt;
  const renewedBy = (days: number, { id }: InEveryFormat) =>
    desk.operator('POST', of(id, '/renew'), { duration_days: days }, freshKey());

  describe.each(ISSUED)('%s', (format) => {
    test('is answered itself while there is none newer', async () => {
      at();
      const { texts } = await issueInEveryFormat(desk);
      const { status, body } = await call('renew', ` ${texts[format]}\n`);
      expect([status, body]).toEqual([
        200,
        {
          license_key: texts[format],
          renewed: false,
          expires_at: new Date(endOf(texts[format]) ?? 0).toISOString().replace('Z', '+00:00'),
          days_left: 365,
        },
      ]);
    });

    test('is renewed when its operator has renewed it, before its end and after; the old one is good until then', async () => {
      at();
      const license = await issueInEveryFormat(desk);
      await renewedBy(30, license);
      const old = license.texts[format];
      const newest = (await newestTexts(desk, license.id))[format];
      expect(newest).not.toBe(old);
      for (const now of [license.expiresAt - DAY, license.expiresAt]) {
        at(now);
        const { body } = await call('renew', old);
        expect(body).toMatchObject({ license_key: newest, renewed: true });
        expect(body.days_left).toBe(Math.ceil(((endOf(newest) ?? 0) - now) / DAY));
        expect(await served.validate(newest)).toBe('valid');
        expect(await served.validate(old)).toBe(now < license.expiresAt ? 'valid' : 'license_expired');
      }
      expect((await call('renew', newest)).body).toMatchObject({ license_key: newest, renewed: false });
    });

    test('that has ended and was not renewed is license_expired', async () => {
      at();
      const { texts, expiresAt } = await issueInEveryFormat(desk);
      at(expiresAt - 1000);
      expect((await call('renew', texts[format])).status).toBe(200);
      at(expiresAt);
      expect(refusal(await call('renew', texts[format]))).toEqual([403, 'license_expired']);
    });

    test('that has ended is over also where a renewal of before has left it behind', async () => {
      at();
      const { texts, expiresAt, licenseKey } = await issueInEveryFormat(desk);
      await service.updateLicense(licenseKey, { expires_at: expiresAt + DAY });
      const end = endOf(texts[format]) ?? 0;
      at(end - 1);
      expect((await call('renew', texts[format])).body).toMatchObject({ renewed: false, days_left: 1 });
      at(end);
      expect(refusal(await call('renew', texts[format]))).toEqual([403, 'license_expired']);
    });

    test('of a licence that is suspended, reinstated and revoked is told so', async () => {
      at();
      const license = await issueInEveryFormat(desk);
      const text = license.texts[format];
      await renewedBy(30, license);
      await desk.operator('POST', of(license.id, '/suspend'), { reason: 'unpaid' });
      expect(refusal(await call('renew', text))).toEqual([403, 'license_suspended']);
      await desk.operator('POST', of(license.id, '/reinstate'), {});
      expect((await call('renew', text)).body).toMatchObject({ renewed: true });
      await desk.operator('DELETE', of(license.id, '/revoke'), { reason: 'chargeback' });
      expect(refusal(await call('renew', text))).toEqual([403, 'license_revoked']);
    });

    test('of a licence whose end was moved by mistake, and back, is what it says again', async () => {
      at();
      const { id, texts, expiresAt } = await issueInEveryFormat(desk);
      for (const end of [expiresAt + 1000 * DAY, expiresAt])
        await desk.operator('PATCH', of(id), { expires_at: new Date(end).toISOString() });
      const renewed = (await call('renew', texts[format])).body;
      // AEGIS has whole seconds.
      expect(Math.floor(Date.parse(renewed.expires_at) / 1000)).toBe(Math.floor(expiresAt / 1000));
      const { body } = await desk.operator('GET', of(id, `/documents?format=${format}`));
      expect(body.documents).toHaveLength(3);
      expect(body.documents[0].document).toBe(renewed.license_key);
    });

    test('with another character in its signature proves nothing', async () => {
      at();
      const license = await issueInEveryFormat(desk);
      const text = license.texts[format];
      await renewedBy(30, license);
      const before = service.dumpStore();
      const middle = text.lastIndexOf('.') + 20;
      const changed = `${text.slice(0, middle)}${text[middle] === 'A' ? 'B' : 'A'}${text.slice(middle + 1)}`;
      expect((await call('renew', changed)).body).toMatchObject({
        status: 403,
        code: 'license_not_accepted',
        reason: 'signature_invalid',
      });
      expect(service.dumpStore()).toBe(before);
    });
  });

  test('a genuine licence of another system is not found, and over at its end', async () => {
    const foreign = { use: 'verify', pem: testKeys[ED].pem, algorithm: ED, kid: testKeys[ED].kid } as const;
    const until = { state: 'retiring', sunsetAt: Date.UTC(2040, 0, 1) } as const;
    const renewed = async (issuer: string, text: string, now: number) => {
      served.use({ keys: [OURS, { ...foreign, ...until, issuer }], now });
      return refusal(await call('renew', text));
    };
    const [early, late] = [Date.UTC(2026, 5, 1), Date.UTC(2028, 2, 1)];
    const aegis = aegisOf(ED, aegisPayload());
    const blob = seal(dtlic2, dtlic2Terms());
    expect(await renewed('https://countersign.test', aegis, early)).toEqual([404, 'license_not_found']);
    expect(await renewed('https://countersign.test', aegis, late)).toEqual([403, 'license_expired']);
    expect(await renewed('datatools', blob, early)).toEqual([404, 'license_not_found']);
    expect(await renewed('datatools', blob, late)).toEqual([403, 'license_expired']);
  });

  test('while no key can be read nobody is told that the licence is not genuine', async () => {
    const { texts } = await issueInEveryFormat(desk);
    at();
    await service.kms.setFault({ kind: 'unavailable' }, { method: 'GetPublicKey' });
    try {
      for (const format of ISSUED) {
        const answer = await call('renew', texts[format]);
        expect(refusal(answer)).toEqual([503, 'signing_unavailable']);
        expect(answer.headers.get('retry-after')).not.toBeNull();
      }
    } finally {
      await service.kms.setFault(null);
    }
    expect((await call('renew', texts.dtlic2)).status).toBe(200);
  });
});
