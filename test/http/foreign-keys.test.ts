/** A key of another system that signs what names a licence of ours: it gets nothing that belongs to that licence. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ForeignKey } from '../../shared/keys/registry.ts';
import { documentPath } from '../../shared/records/paths.ts';
import { caioCallsOn } from '../support/caio-calls.ts';
import { type InEveryFormat, issueInEveryFormat, OURS } from '../support/every-format.ts';
import { aegisOf, aegisPayload } from '../support/issued-licenses.ts';
import { deskOn, of, refusal, SUBSCRIPTION } from '../support/license-desk.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';
import { ED, keys as testKeys } from '../support/signed-documents.ts';

const THEIRS: ForeignKey = {
  use: 'verify',
  pem: testKeys[ED].pem,
  algorithm: ED,
  issuer: 'aegis',
  kid: testKeys[ED].kid,
  state: 'retiring',
  sunsetAt: Date.UTC(2100, 0, 1),
};

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let served: ServedKeys;
  const desk = deskOn(() => service);
  const { call } = caioCallsOn(() => served.baseUrl);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    served = await serveKeys(service);
    served.use({ keys: [OURS, THEIRS] });
    await desk.openDesk();
  });
  afterAll(async () => {
    await served.stop();
    await service.stop();
  });

  async function validate(token: string, scope: object = {}): Promise<Answer['body']> {
    const response = await fetch(new URL('/api/v1/licenses/validate', served.baseUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, ...scope }),
    });
    return response.json();
  }

  /** With the id of the licence, which every session's document tells, and its customer; over in so many days. */
  const forge = ({ id }: InEveryFormat, days = 365) =>
    aegisOf(
      ED,
      aegisPayload({
        jti: id,
        iss: THEIRS.issuer,
        exp: Math.floor(Date.now() / 1000) + days * 86_400,
        customer: { id: SUBSCRIPTION.customer_id, name: 'ACME' },
      }),
    );

  test('it is a licence of that system, without the features of ours', async () => {
    const license = await issueInEveryFormat(desk, { features: ['export'] });
    const own = await validate(license.texts.aegis, { features: ['export'] });
    expect(own).toMatchObject({ valid: true, features: ['export'] });
    const forged = forge(license);
    expect(await validate(forged)).toMatchObject({ valid: true, features: [] });
    expect(await validate(forged, { features: ['export'] })).toMatchObject({ code: 'feature_missing' });
  });

  test.each([
    ['that holds', 365, [404, 'license_not_found']],
    ['that is over', -1, [403, 'license_expired']],
  ])('one %s fetches no document of ours', async (_which, days, expected) => {
    const license = await issueInEveryFormat(desk);
    const before = service.dumpStore();
    const answer = await call('renew', forge(license, days));
    expect(refusal(answer)).toEqual(expected);
    expect(service.dumpStore()).toBe(before);
    expect((await call('renew', license.texts.aegis)).body).toMatchObject({
      license_key: license.texts.aegis,
    });
  });

  test('it is refused all the same when ours is revoked', async () => {
    const license = await issueInEveryFormat(desk);
    await desk.operator('DELETE', of(license.id, '/revoke'), { reason: 'chargeback' });
    expect(await validate(forge(license))).toMatchObject({ valid: false, code: 'license_revoked' });
    expect(refusal(await call('renew', forge(license)))).toEqual([403, 'license_revoked']);
  });

  test('a licence that came from that system is renewed by what its key has signed', async () => {
    const license = await issueInEveryFormat(desk, { features: ['export'] });
    const hash = service.ports.hasher.hash('license', license.licenseKey);
    const theirs = forge(license);
    const fields = {
      license_id: license.id,
      customer_id: SUBSCRIPTION.customer_id,
      format: 'aegis',
      kid: testKeys[ED].kid,
      text: theirs,
      issued_at: 1,
      replaces: null,
    };
    await service.ports.store.commit([
      { op: 'set', path: documentPath(hash, 'aegis', testKeys[ED].kid), fields },
    ]);
    expect(await validate(theirs, { features: ['export'] })).toMatchObject({ valid: true });
    for (const days of [365, -1])
      expect((await call('renew', forge(license, days))).body).toMatchObject({
        license_key: license.texts.aegis,
        renewed: true,
      });
  });
});
