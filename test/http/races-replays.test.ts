/**
 * One request twice under one `Idempotency-Key`: at once on two instances, and again after somebody else's change. Every
 * endpoint that takes a key is walked.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminCalls } from '../support/admin-calls.ts';
import { beginStory, expectWholeChain } from '../support/audit-story.ts';
import { everyEndpoint, NO_PORTS, NO_SETTINGS } from '../support/every-endpoint.ts';
import { goodSending, withHeader } from '../support/refusals/every-row.ts';
import { caseOf } from '../support/refusals/index.ts';
import { type Stage, startStage } from '../support/refusals/stage.ts';

const IDEMPOTENT = everyEndpoint(NO_PORTS, NO_SETTINGS)
  .filter(({ idempotent }) => idempotent)
  .map((row) => [`${row.method} ${row.path}`, row] as const);

const WRITING_LETTERS: readonly string[] = ['deliverDocument', 'remindOfEnd'];

/** What one of the two answers has alone: whether a letter went out once it has. */
const TOLD_ONCE: readonly string[] = ['sent', 'reason'];

const lasting = (body: object) =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !TOLD_ONCE.includes(name)));

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage(store);
  });
  afterAll(() => stage.stop());

  test('there are endpoints that take a key', () => {
    expect(IDEMPOTENT.length).toBeGreaterThan(15);
  });

  describe.each(IDEMPOTENT)('%s', (_, row) => {
    test('sent twice at once under one key has one effect and one answer', async () => {
      const { ready, instances } = stage;
      const making = { stage, row, theCase: caseOf(row) };
      const alone = await goodSending(making);
      const once = await beginStory(ready.service);
      expect((await stage.send(alone)).status).toBe(row.success ?? 200);
      const told = (await once.events()).map(({ action }) => action);

      const keyed = await withHeader('idempotency-key', randomUUID())(making);
      const story = await beginStory(ready.service);
      const letters = ready.smtp.received.length;
      const places = [instances.sound, instances.second, instances.sound];
      const answers = await Promise.all(places.map((to) => stage.send({ ...keyed, to })));
      for (const { status, body } of answers) {
        expect(status, JSON.stringify(body)).toBe(row.success ?? 200);
        expect(lasting(body)).toEqual(lasting(answers[0]?.body));
      }
      expect((await story.events()).map(({ action }) => action)).toEqual(told);
      expect(ready.smtp.received.length - letters).toBe(WRITING_LETTERS.includes(row.operationId) ? 1 : 0);
    });
  });

  test('an API key that is asked for twice at once is one, and told in both answers', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const wanted = { name: 'twice', scopes: ['audit:read'] };
    const { sound, second } = stage.instances;
    const answers = await Promise.all(
      [sound, second].map((to) =>
        adminCalls(to, stage.callers.operator)('POST', '/api/v1/admin/api-keys', wanted, key),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[0]?.body).toEqual(answers[1]?.body);
    const own = adminCalls(sound, { 'x-api-key': answers[0]?.body.api_key });
    expect((await own('GET', '/api/v1/admin/audit-logs')).status).toBe(200);
  });

  test('a request that found nothing to do does not undo what another has done since', async () => {
    const { ready } = stage;
    const { id } = await ready.license({ seats: 5 });
    const key = { 'idempotency-key': randomUUID() };
    const path = `/api/v1/licenses/${id}`;
    const first = await ready.operator('PATCH', path, { seats: 5 }, key);
    expect(first.body.seats).toBe(5);
    await ready.operator('PATCH', path, { seats: 9 });
    const story = await beginStory(ready.service);
    const again = await ready.operator('PATCH', path, { seats: 5 }, key);
    expect([again.status, again.body.seats]).toEqual([200, 5]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await ready.operator('GET', path)).body.seats).toBe(9);
    await story.expect([], []);
  });

  test('a key that was used for one customer deletes no other one', async () => {
    const { ready } = stage;
    const key = { 'idempotency-key': randomUUID() };
    const [one, other] = [await ready.customer(), await ready.customer()];
    const path = (id: string) => `/api/v1/customers/${id}`;
    expect((await ready.operator('DELETE', path(one), undefined, key)).status).toBe(200);
    const wrong = await ready.operator('DELETE', path(other), undefined, key);
    expect([wrong.status, wrong.body.code]).toEqual([409, 'idempotency_conflict']);
    expect((await ready.operator('GET', path(other))).status).toBe(200);
  });

  test('the audit trail of all that is whole', () => expectWholeChain(stage.ready.service.ports.store));
});
