/** What the calls of installations refuse, and that nothing is written then. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caioV2 } from '../../shared/formats/caio-v2.ts';
import { caioCallsOn } from '../support/caio-calls.ts';
import { caioPayload, caioV1Of, seal } from '../support/issued-licenses.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { call, status } = caioCallsOn(() => service.baseUrl);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
  });
  afterAll(() => service.stop());

  test.each([
    ['no licence', 'DEMO-1234', 'malformed_document'],
    ['an AEGIS licence', 'eyJhbGciOiJFZERTQSJ9.e30.AA', 'malformed_document'],
    ['a forged licence', seal(caioV2, caioPayload()).replace(/.{4}$/, 'AA=='), 'signature_invalid'],
    ['a v1 licence where none are taken', caioV1Of('{"customer_id":"acme-de-2"}'), 'unknown_key'],
  ])('%s is refused everywhere, and nothing is written', async (_, text, reason) => {
    const before = service.dumpStore();
    for (const name of ['activate', 'renew', 'deactivate'] as const)
      expect((await call(name, text, 'n')).body).toMatchObject({
        status: 403,
        code: 'license_not_accepted',
        reason,
      });
    expect((await call('validate', text, 'n')).body).toMatchObject({
      valid: false,
      code: reason,
      features: null,
    });
    expect(service.dumpStore()).toBe(before);
  });

  test.each([undefined, '', 'two words', 'é', 'x'.repeat(257)])(
    'the instance id %j is refused with 422',
    async (id) => {
      const before = service.dumpStore();
      for (const name of ['activate', 'deactivate'] as const)
        expect((await call(name, seal(caioV2, caioPayload()), id)).body).toMatchObject({
          code: 'invalid_request',
        });
      expect((await status(id)).body).toMatchObject({ status: 422, code: 'invalid_request' });
      expect(service.dumpStore()).toBe(before);
    },
  );

  test.each([{}, { license_key: '' }, { license_key: 7 }, { license: 'CAIO-v2-a-e30=.AA==' }])(
    'the body %j is refused with 422',
    async (body) => {
      for (const name of ['activate', 'validate', 'renew', 'deactivate'])
        expect(
          (await service.post(`/api/v1/licensing/${name}`, body, { 'x-caio-instance-id': 'n' })).body,
        ).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/license_key' }] });
    },
  );
});
