/** Documents of licences as operators have them issued: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deskOn, HOLDER, LIMITS, of, refusal } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { issued, openDesk, operator } = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await openDesk();
  });
  afterAll(() => service.stop());

  describe('documents', () => {
    test('are issued in one more format, and then handed out as they are', async () => {
      const { id } = await issued({ limits: LIMITS });
      const send = () => operator('POST', of(id, '/documents'), { format: 'caio-v2' });
      const [first, second] = [await send(), await send()];
      expect([first.status, first.body.format]).toEqual([201, 'caio-v2']);
      expect(second.body).toEqual(first.body);
    });

    test('of DTLIC2 need the licence key, and the right one', async () => {
      const { id, license_key } = await issued({ holder: HOLDER });
      const send = (more: object) => operator('POST', of(id, '/documents'), { format: 'dtlic2', ...more });
      expect(refusal(await send({}))).toEqual([422, 'invalid_request']);
      expect(refusal(await send({ license_key: 'another' }))).toEqual([422, 'invalid_request']);
      expect((await send({ license_key })).status).toBe(201);
      expect((await send({})).status).toBe(201);
    });

    test('in a format that does not fit the licence are refused', async () => {
      const { id } = await issued();
      const answer = await operator('POST', of(id, '/documents'), { format: 'caio-v2' });
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
    });

    test('of AEGIS name a UUID: a licence of another system that has another id gets none', async () => {
      const licenseId = 'license-7';
      await service.addLicense({ licenseId, allowedMajorVersions: [17] });
      const answer = await operator('POST', of(licenseId, '/documents'), { format: 'aegis' });
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
    });
  });
});
