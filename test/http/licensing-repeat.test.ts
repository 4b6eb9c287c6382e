/** `activate` and `deactivate` that are sent again with their `Idempotency-Key`: over HTTP, on both stores. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { activationsPath, licensePath, slotsPath } from '../../shared/records/paths.ts';
import { addCaio, caioCallsOn } from '../support/caio-calls.ts';
import { openFaultyStore } from '../support/faulty-store.ts';
import { freshKey, refusal } from '../support/license-desk.ts';
import { serveBeside } from '../support/serve-beside.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const DAY_SECONDS = 86_400;
const isReplay = ({ headers }: Answer) => headers.get('idempotent-replayed') === 'true';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let customers = 0;
  const { call, status } = caioCallsOn(() => service.baseUrl);
  const licensed = (max_instances = 3) =>
    addCaio(service, { customer_id: `repeating-${customers++}`, max_instances, expires_at: null });

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
  });
  afterAll(() => service.stop());

  async function counts(hash: string) {
    const count = async (collection: string) => (await service.ports.store.aggregate({ collection })).count;
    return [await count(activationsPath(licensePath(hash))), await count(slotsPath(licensePath(hash)))];
  }

  test('a repeated activation is answered as it was, whoever has been activated since', async () => {
    const { text } = await licensed();
    const key = freshKey();
    const first = await call('activate', text, 'first', key);
    expect([first.status, first.body.instances_in_use, isReplay(first)]).toEqual([200, 1, false]);
    await call('activate', text, 'second');
    service.advance(60);
    const again = await call('activate', text, 'first', key);
    expect([again.status, again.body, isReplay(again)]).toEqual([200, first.body, true]);
    expect((await status('first')).body.instances_in_use).toBe(2);
  });

  test('one of an instance that was activated without a key is answered, and remembered too', async () => {
    const { text, hash } = await licensed();
    const key = freshKey();
    await call('activate', text, 'before');
    const first = await call('activate', text, 'before', key);
    expect([first.body.instances_in_use, isReplay(first)]).toEqual([1, false]);
    const again = await call('activate', text, 'before', key);
    expect([again.body, isReplay(again)]).toEqual([first.body, true]);
    expect(await counts(hash)).toEqual([1, 1]);
  });

  test('with another licence under its key it is a conflict, and nothing happens', async () => {
    const [one, other] = [await licensed(), await licensed()];
    const key = freshKey();
    await call('activate', one.text, 'conflicting', key);
    const before = service.dumpStore();
    expect(refusal(await call('activate', other.text, 'conflicting', key))).toEqual([
      409,
      'idempotency_conflict',
    ]);
    expect(service.dumpStore()).toBe(before);
  });

  test('the same key of another instance is another request', async () => {
    const { text, hash } = await licensed();
    const key = freshKey();
    for (const id of ['namesake-a', 'namesake-b']) {
      const answer = await call('activate', text, id, key);
      expect([answer.status, isReplay(answer)]).toEqual([200, false]);
    }
    expect(await counts(hash)).toEqual([2, 2]);
  });

  test('one that arrives late does not activate what was given back since', async () => {
    const { text, hash } = await licensed(1);
    const [activating, deactivating] = [freshKey(), freshKey()];
    await call('activate', text, 'late', activating);
    expect((await call('deactivate', text, 'late', deactivating)).body).toEqual({ deactivated: true });
    expect(refusal(await call('activate', text, 'late', activating))).toEqual([404, 'activation_not_found']);
    expect(await counts(hash)).toEqual([0, 0]);

    await call('activate', text, 'late');
    const again = await call('deactivate', text, 'late', deactivating);
    expect([again.body, isReplay(again)]).toEqual([{ deactivated: true }, true]);
    expect(await counts(hash)).toEqual([1, 1]);
  });

  test('a deactivation that found nothing is remembered as that', async () => {
    const { text, hash } = await licensed();
    const key = freshKey();
    expect((await call('deactivate', text, 'absent', key)).body).toEqual({ deactivated: false });
    await call('activate', text, 'absent');
    expect((await call('deactivate', text, 'absent', key)).body).toEqual({ deactivated: false });
    expect(await counts(hash)).toEqual([1, 1]);
  });

  test('nothing is told again that does not hold any more', async () => {
    const { text, licenseKey } = await licensed();
    const key = freshKey();
    await call('activate', text, 'revoked', key);
    await service.updateLicense(licenseKey, { status: 'revoked' });
    expect(refusal(await call('activate', text, 'revoked', key))).toEqual([403, 'license_revoked']);
  });

  test('a refusal is not remembered', async () => {
    const { text } = await licensed(1);
    const key = freshKey();
    await call('activate', text, 'holder');
    expect(refusal(await call('activate', text, 'waiting', key))).toEqual([409, 'activations_exhausted']);
    await call('deactivate', text, 'holder');
    expect((await call('activate', text, 'waiting', key)).status).toBe(200);
  });

  test('after 24 hours the key is free', async () => {
    const { text } = await licensed();
    const key = freshKey();
    await call('activate', text, 'forgotten', key);
    await call('deactivate', text, 'forgotten');
    service.advance(DAY_SECONDS);
    const anew = await call('activate', text, 'forgotten', key);
    expect([anew.status, isReplay(anew)]).toEqual([200, false]);
  });

  test('eight at once are one activation, and one deactivation', async () => {
    const { text, hash } = await licensed(1);
    for (const [name, left] of [
      ['activate', 1],
      ['deactivate', 0],
    ] as const) {
      const key = freshKey();
      const answers = await Promise.all(Array.from({ length: 8 }, () => call(name, text, 'eightfold', key)));
      expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(200));
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(answers.filter((answer) => !isReplay(answer))).toHaveLength(1);
      expect(await counts(hash)).toEqual([left, left]);
    }
  });

  test('a commit that was not confirmed, or did not happen, is found out by the request itself', async () => {
    const { text, hash } = await licensed(1);
    const faulty = openFaultyStore(service.ports.store);
    const beside = await serveBeside(service, { ports: { store: faulty } });
    const there = caioCallsOn(() => beside.baseUrl);
    try {
      for (const trouble of ['interrupted_after', 'interrupted_before'] as const) {
        let isStruck = false;
        const once = (_: number, method: string) => {
          if (isStruck || method !== 'commit') return undefined;
          isStruck = true;
          return trouble;
        };
        for (const [name, left] of [
          ['activate', 1],
          ['deactivate', 0],
        ] as const) {
          isStruck = false;
          faulty.strike(once);
          const key = freshKey();
          const answer = await there.call(name, text, 'unconfirmed', key);
          expect([answer.status, faulty.struck()], trouble).toEqual([200, 1]);
          expect(name === 'activate' ? answer.body.activated : answer.body.deactivated).toBe(true);
          expect((await there.call(name, text, 'unconfirmed', key)).body).toEqual(answer.body);
          expect(await counts(hash)).toEqual([left, left]);
        }
      }
    } finally {
      await beside.stop();
    }
  });

  test('while the store is away nothing is known, and the same request succeeds afterwards', async () => {
    const { text, hash } = await licensed(1);
    const faulty = openFaultyStore(service.ports.store);
    const beside = await serveBeside(service, { ports: { store: faulty } });
    const there = caioCallsOn(() => beside.baseUrl);
    const key = freshKey();
    try {
      faulty.strike(() => 'unavailable');
      for (const name of ['activate', 'deactivate', 'renew', 'validate'] as const)
        expect(refusal(await there.call(name, text, 'patient', key))).toEqual([503, 'store_unavailable']);
      faulty.heal();
      expect((await there.call('activate', text, 'patient', key)).status).toBe(200);
      expect(await counts(hash)).toEqual([1, 1]);
    } finally {
      await beside.stop();
    }
  });

  test.each(['', 'two words', 'é', 'x'.repeat(256)])('the key %j is refused with 422', async (key) => {
    const { text, hash } = await licensed();
    for (const name of ['activate', 'deactivate'] as const)
      expect(refusal(await call(name, text, 'odd', { 'idempotency-key': key }))).toEqual([
        422,
        'invalid_request',
      ]);
    expect(await counts(hash)).toEqual([0, 0]);
  });
});
