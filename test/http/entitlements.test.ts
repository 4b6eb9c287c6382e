/** Which features a licence includes, in every format, asked of the service and of the client library. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyLicense } from '../../shared/client/verify-license.ts';
import type { ForeignKey } from '../../shared/keys/registry.ts';
import { ISSUED, issueInEveryFormat, OURS } from '../support/every-format.ts';
import { ledgerLine, ledgerTerms } from '../support/ledger.ts';
import { deskOn, of, refusal, SUBSCRIPTION } from '../support/license-desk.ts';
import { TABLE } from '../support/product-table.ts';
import { serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { ED, keys as testKeys } from '../support/signed-documents.ts';

/** What clients of a desktop product have built in. */
const TIER_FEATURES = { lite: ['read'], core: ['forecast', 'export'], pro: ['forecast', 'export', 'api'] };

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const desk = deskOn(() => service);
  const { issued, operator } = desk;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000, products: TABLE });
    await desk.openDesk();
  });
  afterAll(() => service.stop());

  const validate = async (token: unknown, features: string[]) =>
    (await service.post('/api/v1/licenses/validate', { token, features })).body;
  const verdict = async (token: unknown, features: string[]) => {
    const { valid, code } = await validate(token, features);
    return valid ? 'valid' : code;
  };
  const offline = async (token: string, scope: object) => {
    const keys = await service.verificationKeys();
    const result = await verifyLicense(token, { keys, now: service.ports.clock.now(), scope });
    return result.valid ? 'valid' : result.code;
  };
  const inEveryFormat = (wanted: object = {}) =>
    issueInEveryFormat(desk, { tier: 'team', features: undefined, ...wanted });

  test.each(ISSUED)('the service says which features a licence in %s includes', async (format) => {
    const { texts } = await inEveryFormat();
    expect(await validate(texts[format], ['export', 'forecast'])).toMatchObject({
      valid: true,
      features: ['forecast', 'export'],
    });
    expect(await verdict(texts[format], [])).toBe('valid');
    expect(await validate(texts[format], ['export', 'api'])).toMatchObject({
      valid: false,
      code: 'feature_missing',
      features: null,
    });
  });

  test('of AEGIS and DTLIC2 it follows the record, of CAIO the document that was signed', async () => {
    const { id, texts } = await inEveryFormat();
    expect((await operator('PATCH', of(id), { features: ['api'] })).status).toBe(200);
    for (const format of ['aegis', 'dtlic2'] as const) {
      expect(await verdict(texts[format], ['api'])).toBe('valid');
      expect(await verdict(texts[format], ['export'])).toBe('feature_missing');
    }
    expect(await verdict(texts['caio-v2'], ['export'])).toBe('valid');
    const { body } = await operator('GET', of(id, '/documents?format=caio-v2'));
    expect(await verdict(body.documents[0].document, ['export'])).toBe('feature_missing');
  });

  test('that it is revoked is said before what it lacks', async () => {
    const { id, texts } = await inEveryFormat();
    await operator('DELETE', of(id, '/revoke'), { reason: 'over' });
    for (const format of ISSUED) expect(await verdict(texts[format], ['api'])).toBe('license_revoked');
  });

  test('offline a licence has what its document lists, and of a tier what the client knows', async () => {
    const { texts } = await inEveryFormat();
    expect(await offline(texts['caio-v2'], { features: ['export'] })).toBe('valid');
    expect(await offline(texts['caio-v2'], { features: ['api'] })).toBe('feature_missing');
    expect(await offline(texts.aegis, { features: ['export'] })).toBe('feature_missing');
    const tier = { tierFeatures: TIER_FEATURES };
    expect(await offline(texts.dtlic2, { features: ['export'] })).toBe('feature_missing');
    expect(await offline(texts.dtlic2, { features: ['export'], ...tier })).toBe('valid');
    expect(await offline(texts.dtlic2, { features: ['export', 'api'], ...tier })).toBe('feature_missing');
    expect(await offline(texts.aegis, { features: ['export'], ...tier })).toBe('feature_missing');
  });

  test.each(['inline', 'jws'] as const)('a session’s document in %s says them itself', async (format) => {
    const { license_key } = await issued({ tier: 'team', features: undefined });
    const { body } = await service.post('/api/v1/licenses/acquire', {
      license_key,
      hardware_id: 'm',
      format,
    });
    const document = format === 'inline' ? body.license_data : body.token;
    expect(await verdict(document, ['export'])).toBe('valid');
    expect(await verdict(document, ['api'])).toBe('feature_missing');
    expect(await service.verify(document, { features: ['export'] })).toMatchObject({ valid: true });
    expect(await service.verify(document, { features: ['api'] })).toMatchObject({ code: 'feature_missing' });
  });

  describe('an old ledger', () => {
    const add = (lines: string[], product = 'datatools') =>
      operator('POST', '/api/v1/licenses/import', { lines, product, customer_id: 'acme-gmbh' });
    /** The key that signed the ledger, as the operator lists it. */
    const LEDGER_KEY: ForeignKey = {
      use: 'verify',
      pem: testKeys[ED].pem,
      algorithm: ED,
      issuer: 'datatools',
      kid: testKeys[ED].kid,
      state: 'retiring',
      sunsetAt: Date.UTC(2040, 0, 1),
    };

    test('is imported with what the table gives its tiers, and validated so', async () => {
      const terms = ledgerTerms(1, { expires_at: null });
      const line = ledgerLine(terms);
      expect((await add([line])).body).toMatchObject({ added: 1 });
      const found = await operator('GET', `/api/v1/licenses?email=${encodeURIComponent(terms.email)}`);
      expect(found.body.licenses[0]).toMatchObject({
        tier: 'team',
        features: ['read', 'write'],
        allowed_major_versions: [2],
        seats: 1,
        allowed_hardware: [],
        policy: { offline_grace_seconds: 77 },
      });
      const served = await serveKeys(service);
      try {
        served.use({ keys: [OURS, LEDGER_KEY] });
        const ask = (features: string[]) =>
          fetch(new URL('/api/v1/licenses/validate', served.baseUrl), {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ token: JSON.parse(line).blob, features }),
          }).then((response) => response.json());
        expect(await ask(['write'])).toMatchObject({ valid: true, features: ['read', 'write'] });
        expect(await ask(['export'])).toMatchObject({ valid: false, code: 'feature_missing' });
      } finally {
        await served.stop();
      }
      const acquired = await service.post('/api/v1/licenses/acquire', {
        license_key: terms.license_key,
        hardware_id: 'any',
      });
      expect(refusal(acquired)).toEqual([403, 'hardware_not_allowed']);
    });

    test('has lines refused whose tier is not sold, and takes the others', async () => {
      const lines = [ledgerTerms(2, { tier: 'pro' }), ledgerTerms(3, { tier: 'lite' })].map((each) =>
        ledgerLine(each),
      );
      const { body } = await add(lines);
      expect(body).toMatchObject({ added: 1, refused: 1 });
      expect(body.results[0]).toMatchObject({
        outcome: 'refused',
        reason: 'This product is sold as free, team, not as pro.',
      });
    });

    test('of a product that is not in the table is refused as a whole', async () => {
      const before = service.dumpStore();
      const answer = await add([ledgerLine(ledgerTerms(4))], 'datatool');
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect(answer.body.errors[0].pointer).toBe('/product');
      expect(service.dumpStore()).toBe(before);
    });
  });

  test('a licence that was issued without a tier’s features has none', async () => {
    const { token } = await issued({ ...SUBSCRIPTION, tier: 'team', features: [] });
    expect(await validate(token, [])).toMatchObject({ valid: true, features: [] });
    expect(await verdict(token, ['forecast'])).toBe('feature_missing');
  });
});
