/**
 * Two operators at one licence at the same moment, on one instance and on two: which answers they get, what the licence is
 * then, and that the audit trail tells just that.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminCalls } from '../support/admin-calls.ts';
import { beginStory, expectWholeChain } from '../support/audit-story.ts';
import { addCaio, caioCallsOn } from '../support/caio-calls.ts';
import { DAY, deskOn, of, SUBSCRIPTION } from '../support/license-desk.ts';
import { type Rivals, startRivals } from '../support/rivals.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const codes = (answers: readonly Answer[]) => answers.map(({ status, body }) => body.code ?? status).sort();

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { openDesk, issued, operator } = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await openDesk();
  });
  afterAll(() => service.stop());

  describe.each(['one instance', 'two instances'] as const)('at %s', (instances) => {
    let rivals: Rivals;

    beforeAll(async () => {
      rivals = await startRivals(service, instances);
    });
    afterAll(() => rivals.stop());

    const licenseOf = async (id: string) => (await operator('GET', of(id))).body;
    const statusIn = (event: { after: unknown } | undefined) => (event?.after as { status?: string })?.status;

    test('of two revocations one is told that it came too late', async () => {
      const { id } = await issued();
      const story = await beginStory(service);
      const answers = await rivals.both('DELETE', of(id, '/revoke'), [{ reason: 'one' }, { reason: 'two' }]);
      expect(codes(answers)).toEqual([200, 'already_revoked']);
      const { revoked_reason: reason } = await licenseOf(id);
      await story.expect(answers, [
        {
          action: 'licenses.revoke',
          target: id,
          before: { status: 'active', revoked_reason: null },
          after: { status: 'revoked', revoked_reason: reason },
        },
      ]);
    });

    test('of two issues with one licence key one is refused, and leaves nothing', async () => {
      const license_key = `own-key-${store}-${instances}`;
      const story = await beginStory(service);
      const wanted = { ...SUBSCRIPTION, license_key };
      const answers = await rivals.both('POST', '/api/v1/licenses', [wanted, { ...wanted, notes: 'other' }]);
      expect(codes(answers)).toEqual([201, 'license_key_taken']);
      const winner = answers.find(({ status }) => status === 201)?.body;
      expect(await licenseOf(winner.id)).toMatchObject({ notes: winner.notes, token: winner.token });
      await story.expect(answers, [
        { action: 'licenses.issue', target: winner.id, before: null, after: { notes: winner.notes } },
        { action: 'documents.issue', target: winner.id, before: null, after: { format: 'aegis' } },
      ]);
    });

    test('of two changes of what both have seen one is refused', async () => {
      const { id } = await issued({ seats: 5 });
      const tag = (await operator('GET', of(id))).headers.get('etag') ?? '';
      const story = await beginStory(service);
      const changes = [{ seats: 6 }, { seats: 7 }] as const;
      const answers = await rivals.both('PATCH', of(id), changes, { 'if-match': tag });
      expect(codes(answers)).toEqual([200, 'precondition_failed']);
      const { seats } = await licenseOf(id);
      expect(answers.find(({ status }) => status === 200)?.body.seats).toBe(seats);
      await story.expect(answers, [
        { action: 'licenses.change', target: id, before: { seats: 5 }, after: { seats } },
      ]);
    });

    test('two changes that have seen nothing come one after the other', async () => {
      const { id } = await issued({ seats: 5 });
      const story = await beginStory(service);
      const answers = await rivals.both('PATCH', of(id), [{ seats: 6 }, { seats: 7 }]);
      expect(codes(answers)).toEqual([200, 200]);
      const { seats } = await licenseOf(id);
      const between = seats === 6 ? 7 : 6;
      await story.expect(answers, [
        { action: 'licenses.change', before: { seats: 5 }, after: { seats: between } },
        { action: 'licenses.change', before: { seats: between }, after: { seats } },
      ]);
    });

    test('of a renewal and a revocation the licence is revoked, and renewed if that came first', async () => {
      const { id, expires_at: end } = await issued();
      const story = await beginStory(service);
      const [renewed, revoked] = await Promise.all([
        rivals.one('POST', of(id, '/renew'), { duration_days: 10 }),
        rivals.other('DELETE', of(id, '/revoke'), { reason: 'fraud' }),
      ]);
      expect(revoked.status).toBe(200);
      const license = await licenseOf(id);
      expect(license.status).toBe('revoked');
      const moved = (Date.parse(license.expires_at) - Date.parse(end)) / DAY;
      const revocation = { action: 'licenses.revoke', target: id, after: { status: 'revoked' } };
      const told = (await story.events()).filter(({ action }) => action.startsWith('licenses.'));
      if (moved === 0) {
        expect(renewed.body.code).toBe('license_revoked');
        expect(told).toMatchObject([revocation]);
      } else {
        expect([moved, renewed.status]).toEqual([10, 200]);
        const after = { expires_at: Date.parse(license.expires_at) };
        const renewal = {
          action: 'licenses.renew',
          target: id,
          before: { expires_at: Date.parse(end) },
          after,
        };
        expect(told).toMatchObject([renewal, revocation]);
      }
      expect(told).toHaveLength(moved === 0 ? 1 : 2);
    });

    test('two renewals add both terms', async () => {
      const { id, expires_at: end } = await issued();
      const story = await beginStory(service);
      const answers = await rivals.both('POST', of(id, '/renew'), [
        { duration_days: 10 },
        { duration_days: 5 },
      ]);
      expect(codes(answers)).toEqual([200, 200]);
      const { expires_at, token } = await licenseOf(id);
      expect((Date.parse(expires_at) - Date.parse(end)) / DAY).toBe(15);
      expect((await service.post('/api/v1/licenses/validate', { token })).body).toMatchObject({
        valid: true,
      });
      const told = (await story.events()).filter(({ action }) => action === 'licenses.renew');
      expect(told).toMatchObject([
        { before: { expires_at: Date.parse(end) } },
        { before: told[0]?.after, after: { expires_at: Date.parse(expires_at) } },
      ]);
    });

    test('of two transfers of what both have seen one is refused', async () => {
      const { id } = await issued();
      const tag = (await operator('GET', of(id))).headers.get('etag') ?? '';
      await operator('POST', '/api/v1/customers', { id: 'third-co', name: 'Third' });
      const story = await beginStory(service);
      const wanted = [{ customer_id: 'other-co' }, { customer_id: 'third-co' }] as const;
      const answers = await rivals.both('POST', of(id, '/transfer'), wanted, { 'if-match': tag });
      expect(codes(answers)).toEqual([200, 'precondition_failed']);
      const { customer_id } = await licenseOf(id);
      await story.expect(answers, [
        {
          action: 'licenses.transfer',
          target: id,
          before: { customer_id: 'acme-gmbh' },
          after: { customer_id },
        },
        { action: 'documents.issue', target: id },
      ]);
    });

    test('two transfers that have seen nothing come one after the other', async () => {
      const { id } = await issued();
      await operator('POST', '/api/v1/customers', { id: 'third-co', name: 'Third' });
      const story = await beginStory(service);
      const wanted = [{ customer_id: 'other-co' }, { customer_id: 'third-co' }] as const;
      const answers = await rivals.both('POST', of(id, '/transfer'), wanted);
      expect(codes(answers)).toEqual([200, 200]);
      const { customer_id } = await licenseOf(id);
      const between = customer_id === 'other-co' ? 'third-co' : 'other-co';
      const told = (await story.events()).filter(({ action }) => action === 'licenses.transfer');
      expect(told).toMatchObject([
        { before: { customer_id: 'acme-gmbh' }, after: { customer_id: between } },
        { before: { customer_id: between }, after: { customer_id } },
      ]);
    });

    test('a suspension and its end leave the licence as the last of them says', async () => {
      const { id } = await issued();
      const story = await beginStory(service);
      const answers = await Promise.all([
        rivals.one('POST', of(id, '/suspend'), { reason: 'unpaid' }),
        rivals.other('POST', of(id, '/reinstate'), {}),
      ]);
      expect(codes(answers)).toEqual([200, 200]);
      const told = await story.events();
      const { status } = await licenseOf(id);
      expect(told.map(({ action }) => action)).toEqual(
        status === 'active' ? ['licenses.suspend', 'licenses.reinstate'] : ['licenses.suspend'],
      );
      expect(statusIn(told.at(-1))).toBe(status);
    });

    test('of an issue and the deletion of its customer one is refused', async () => {
      const id = `leaving-${instances.replaceAll(' ', '-')}`;
      await operator('POST', '/api/v1/customers', { id, name: 'Leaving' });
      const story = await beginStory(service);
      const [issue, deletion] = await Promise.all([
        rivals.one('POST', '/api/v1/licenses', { ...SUBSCRIPTION, customer_id: id }),
        rivals.other('DELETE', `/api/v1/customers/${id}`),
      ]);
      const isIssued = issue.status === 201;
      expect(codes([issue, deletion])).toEqual(
        isIssued ? [201, 'customer_in_use'] : [200, 'customer_not_found'],
      );
      const { body } = await operator('GET', `/api/v1/licenses?customer_id=${id}`);
      expect(body.total).toBe(isIssued ? 1 : 0);
      expect((await operator('GET', `/api/v1/customers/${id}`)).status).toBe(isIssued ? 200 : 404);
      const actions = (await story.events()).map(({ action }) => action);
      expect(actions).toEqual(isIssued ? ['licenses.issue', 'documents.issue'] : ['customers.delete']);
    });

    test('of two ends of one activation one is told that there is none', async () => {
      const caio = await addCaio(service, {
        customer_id: `two-ends-${store}-${instances.length}`,
        max_instances: 1,
      });
      const calls = caioCallsOn(() => service.baseUrl);
      await calls.call('activate', caio.text, 'node');
      const instance = service.ports.hasher.hash('instance', 'node');
      const story = await beginStory(service);
      const path = of(caio.licenseId, `/activations/${instance}`);
      const answers = await rivals.both('DELETE', path, [undefined, undefined]);
      expect(codes(answers)).toEqual([200, 'activation_not_found']);
      await story.expect(answers, [
        { action: 'activations.end', target: caio.licenseId, before: { instance, slot: 0 }, after: null },
      ]);
      expect((await calls.call('activate', caio.text, 'next')).status).toBe(200);
      expect((await calls.call('activate', caio.text, 'one-more')).status).toBe(409);
    });

    test('of two revocations of one API key both are told that it is revoked, and one was recorded', async () => {
      const { body } = await operator('POST', '/api/v1/admin/api-keys', {
        name: 'x',
        scopes: ['audit:read'],
      });
      const story = await beginStory(service);
      const path = `/api/v1/admin/api-keys/${body.prefix}`;
      const answers = await rivals.both('DELETE', path, [undefined, undefined]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      expect(answers[0]?.body).toEqual(answers[1]?.body);
      await story.expect(answers, [
        { action: 'api_keys.revoke', target: body.prefix, before: { revoked_at: null } },
      ]);
      const revoked = adminCalls(service, { 'x-api-key': body.api_key });
      expect((await revoked('GET', '/api/v1/admin/audit-logs')).status).toBe(401);
    });
  });

  test('the audit trail of all that is whole', () => expectWholeChain(service.ports.store));
});
