/** Licences as operators suspend, revoke and transfer them: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeIssued } from '../../shared/formats/issued.ts';
import { deskOn, of, refusal } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { acme, events, issued, openDesk, operator, sessionsOf } = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await openDesk();
  });
  afterAll(() => service.stop());

  describe('a suspension', () => {
    test('keeps clients from acquiring until the licence is reinstated', async () => {
      const { id, license_key } = await issued();
      const acquire = () =>
        service.post('/api/v1/licenses/acquire', { license_key, hardware_id: 'machine-2' });
      const suspended = await operator('POST', of(id, '/suspend'), { reason: 'unpaid' });
      expect(suspended.body.status).toBe('suspended');
      expect(refusal(await acquire())).toEqual([403, 'license_suspended']);
      expect((await operator('POST', of(id, '/reinstate'), {})).body.status).toBe('active');
      expect((await acquire()).status).toBe(200);
      const told = (await events(id)).filter(({ action }) => String(action).startsWith('licenses.'));
      expect(told.map(({ action }) => action)).toEqual([
        'licenses.issue',
        'licenses.suspend',
        'licenses.reinstate',
      ]);
      expect(told[1]?.after).toMatchObject({ reason: 'unpaid' });
    });
  });

  describe('a revocation', () => {
    test('ends the sessions, and the licence can never be used or changed again', async () => {
      const { id, license_key, token } = await issued();
      const acquired = await service.post('/api/v1/licenses/acquire', { license_key, hardware_id: 'm' });
      const revoked = await operator('DELETE', of(id, '/revoke'), { reason: 'fraud' });
      expect([revoked.status, revoked.body.license_id]).toEqual([200, id]);
      expect(await sessionsOf(license_key)).toEqual([]);
      const beat = await service.post('/api/v1/licenses/heartbeat', { session_id: acquired.body.session_id });
      expect(beat.status).toBeGreaterThanOrEqual(400);
      const checked = await service.post('/api/v1/licenses/validate', { token });
      expect(checked.body).toMatchObject({ valid: false, code: 'license_revoked' });
      expect((await operator('GET', of(id))).body).toMatchObject({
        status: 'revoked',
        revoked_reason: 'fraud',
      });
      for (const [method, path, body] of [
        ['POST', '/reinstate', {}],
        ['POST', '/suspend', { reason: 'x' }],
        ['POST', '/renew', { duration_days: 1 }],
        ['POST', '/transfer', { customer_id: 'other-co' }],
        ['PATCH', '', { notes: 'x' }],
        ['POST', '/documents', { format: 'aegis' }],
      ] as const)
        expect(refusal(await operator(method, of(id, path), body)), path).toEqual([403, 'license_revoked']);
    });

    test('of two at once happens once, and the trail tells of one', async () => {
      const { id } = await issued();
      const revoke = () => operator('DELETE', of(id, '/revoke'), { reason: 'twice' });
      const answers = await Promise.all([revoke(), revoke()]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(refusal(await revoke())).toEqual([409, 'already_revoked']);
      expect((await events(id)).filter(({ action }) => action === 'licenses.revoke')).toHaveLength(1);
    });

    test('that was interrupted before its sessions had ended is completed by repeating it', async () => {
      const { id, license_key } = await issued();
      await service.post('/api/v1/licenses/acquire', { license_key, hardware_id: 'm' });
      await service.updateLicense(license_key, { status: 'revoked' });
      expect(await sessionsOf(license_key)).toHaveLength(1);
      const answer = await operator('DELETE', of(id, '/revoke'), { reason: 'again' });
      expect(refusal(answer)).toEqual([409, 'already_revoked']);
      expect(await sessionsOf(license_key)).toEqual([]);
    });

    test('needs a reason', async () => {
      const { id } = await issued();
      expect(refusal(await operator('DELETE', of(id, '/revoke'), {}))).toEqual([422, 'invalid_request']);
    });
  });

  describe('a transfer', () => {
    test('gives the licence, its documents and its address to the other customer', async () => {
      const { id } = await issued();
      const { body } = await operator('POST', of(id, '/transfer'), { customer_id: 'other-co' });
      expect(body).toMatchObject({ customer_id: 'other-co', customer_name: 'Customer other-co' });
      expect(decodeIssued(body.token)).toMatchObject({ license: { customer: { id: 'other-co' } } });
      const found = await operator('GET', '/api/v1/licenses?email=it@OTHER.example');
      expect(found.body.licenses.map((each: { id: string }) => each.id)).toContain(id);
      expect(refusal(await acme('GET', of(id)))).toEqual([404, 'license_not_found']);
    });

    test('to nobody is refused', async () => {
      const { id } = await issued();
      const answer = await operator('POST', of(id, '/transfer'), { customer_id: 'nobody' });
      expect(refusal(answer)).toEqual([404, 'customer_not_found']);
    });
  });
});
