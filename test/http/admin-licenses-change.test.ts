/** Licences as operators change and renew them: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeIssued } from '../../shared/formats/issued.ts';
import { DAY, deskOn, freshKey, HOLDER, of, refusal } from '../support/license-desk.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const { events, issued, openDesk, operator, sessionsOf } = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await openDesk();
  });
  afterAll(() => service.stop());

  describe('a change', () => {
    test('honours If-Match, and its answer has the tag of the licence as it is then', async () => {
      const { id } = await issued();
      const read = await operator('GET', of(id));
      const tag = read.headers.get('etag') ?? '';
      const changed = await operator('PATCH', of(id), { notes: 'a' }, { 'if-match': tag });
      expect([changed.status, changed.body.notes]).toEqual([200, 'a']);
      const stale = await operator('PATCH', of(id), { notes: 'b' }, { 'if-match': tag });
      expect(refusal(stale)).toEqual([412, 'precondition_failed']);
      const now = await operator('GET', of(id));
      expect([now.body.notes, now.headers.get('etag')]).toEqual(['a', changed.headers.get('etag')]);
    });

    test('is audited with the members that change, and one that changes nothing is not', async () => {
      const { id } = await issued({ seats: 5 });
      await operator('PATCH', of(id), { seats: 9, features: [] });
      await operator('PATCH', of(id), { seats: 9 });
      const changes = (await events(id)).filter(({ action }) => action === 'licenses.change');
      expect(changes).toMatchObject([{ before: { seats: 5 }, after: { seats: 9 } }]);
    });

    test('of what a document says signs it anew, and the old one stays on record', async () => {
      const { id, token } = await issued();
      const changed = await operator('PATCH', of(id), { allowed_major_versions: [18] });
      expect(decodeIssued(changed.body.token)).toMatchObject({ license: { allowedMajorVersions: [18] } });
      const { body } = await operator('GET', of(id, '/documents?format=aegis'));
      expect(body.documents.map((each: { document: string }) => each.document)).toEqual(
        expect.arrayContaining([token, changed.body.token]),
      );
      await operator('PATCH', of(id), { notes: 'says no document' });
      expect((await operator('GET', of(id, '/documents'))).body.documents).toHaveLength(2);
    });

    test('that a format of the licence cannot hold is refused before it is stored', async () => {
      const { id } = await issued();
      const answer = await operator('PATCH', of(id), { allowed_major_versions: null });
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect((await operator('GET', of(id))).body.allowed_major_versions).toEqual([16, 17]);
    });

    test('of the end follows the type', async () => {
      const forever = await issued({ license_type: 'perpetual', duration_days: undefined });
      const until = { expires_at: '2031-01-01T00:00:00Z' };
      expect(refusal(await operator('PATCH', of(forever.id), until))).toEqual([422, 'invalid_request']);
      const { id } = await issued();
      expect(refusal(await operator('PATCH', of(id), { expires_at: null }))).toEqual([
        422,
        'invalid_request',
      ]);
      const moved = await operator('PATCH', of(id), until);
      expect(Date.parse(moved.body.expires_at)).toBe(Date.UTC(2031, 0, 1));
    });

    test('to fewer seats lets none acquire before sessions beyond them are over', async () => {
      const { id, license_key } = await issued({ seats: 2 });
      const acquire = (hardware_id: string) =>
        service.post('/api/v1/licenses/acquire', { license_key, hardware_id });
      const answers = [await acquire('one'), await acquire('two')];
      expect((await operator('PATCH', of(id), { seats: 1 })).status).toBe(200);
      const onSeatZero = (await sessionsOf(license_key)).find(({ fields }) => fields.seat === 0);
      const hardware = onSeatZero?.path.split('/').at(-1) ?? '';
      const session_id = answers.map(({ body }) => body.session_id).find((each) => each.includes(hardware));
      expect((await service.post('/api/v1/licenses/release', { session_id })).status).toBe(200);
      expect(refusal(await acquire('three'))).toEqual([409, 'seats_exhausted']);
    });

    test.each([
      ['nothing', {}, ''],
      ['seats as text', { seats: '5' }, '/seats'],
      ['an end that is no date', { expires_at: '2031-02-30T00:00:00Z' }, '/expires_at'],
    ])('to %s is refused', async (_, body, pointer) => {
      const { id } = await issued();
      const answer = await operator('PATCH', of(id), body);
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect(answer.body.errors[0].pointer).toBe(pointer);
    });
  });

  describe('a renewal', () => {
    test('adds to the old end, and its document says the new one', async () => {
      const { id, expires_at } = await issued();
      const { body } = await operator('POST', of(id, '/renew'), { duration_days: 10 });
      expect(Date.parse(body.expires_at) - Date.parse(expires_at)).toBe(10 * DAY);
      const end = Math.floor(Date.parse(body.expires_at) / 1000) * 1000;
      expect(decodeIssued(body.token)).toMatchObject({ license: { expiresAt: end } });
    });

    test('is done once however often it is sent with its Idempotency-Key', async () => {
      const { id, expires_at } = await issued();
      const headers = freshKey();
      const send = () => operator('POST', of(id, '/renew'), { duration_days: 10 }, headers);
      const answers = await Promise.all([send(), send(), send()]);
      const ends = new Set(answers.map(({ body }) => Date.parse(body.expires_at) - Date.parse(expires_at)));
      expect([...ends]).toEqual([10 * DAY]);
    });

    test('of a licence without an end is refused', async () => {
      const { id } = await issued({ license_type: 'perpetual', duration_days: undefined });
      const answer = await operator('POST', of(id, '/renew'), { duration_days: 10 });
      expect(refusal(answer)).toEqual([409, 'not_renewable']);
    });

    test('of a DTLIC2 licence names its key again, which is asked of nobody', async () => {
      const { id, license_key } = await issued({ formats: ['dtlic2'], holder: HOLDER });
      await operator('POST', of(id, '/renew'), { duration_days: 10 });
      const { body } = await operator('GET', of(id, '/documents'));
      expect(body.documents).toHaveLength(2);
      for (const { document } of body.documents)
        expect(decodeIssued(document)).toMatchObject({ license: { licenseId: license_key } });
    });
  });
});
