/**
 * Two operators at one customer at the same moment, on one instance and on two, and what the audit trail tells of it.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginStory, expectWholeChain } from '../support/audit-story.ts';
import { type Rivals, startRivals } from '../support/rivals.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const PATH = '/api/v1/customers';
const codes = (answers: readonly Answer[]) => answers.map(({ status, body }) => body.code ?? status).sort();

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
  });
  afterAll(() => service.stop());

  describe.each(['one instance', 'two instances'] as const)('at %s', (instances) => {
    let rivals: Rivals;

    beforeAll(async () => {
      rivals = await startRivals(service, instances);
    });
    afterAll(() => rivals.stop());

    /** A new customer, as its creation was answered. */
    const created = () => rivals.one('POST', PATH, { id: randomUUID(), name: 'Before' });
    const read = async (id: string) => (await rivals.one('GET', `${PATH}/${id}`)).body;

    test('of two creations with one id one is refused', async () => {
      const id = randomUUID();
      const story = await beginStory(service);
      const answers = await rivals.both('POST', PATH, [
        { id, name: 'One' },
        { id, name: 'Other' },
      ]);
      expect(codes(answers)).toEqual([201, 'customer_exists']);
      const customer = await read(id);
      expect(answers.find(({ status }) => status === 201)?.body).toEqual(customer);
      await story.expect(answers, [
        { action: 'customers.create', target: id, before: null, after: { name: customer.name } },
      ]);
    });

    test('ten creations of different customers are all on the trail, one after the other', async () => {
      const ids = Array.from({ length: 10 }, () => randomUUID());
      const story = await beginStory(service);
      const answers = await Promise.all(
        ids.map((id, place) =>
          (place % 2 === 0 ? rivals.one : rivals.other)('POST', PATH, { id, name: 'One of ten' }),
        ),
      );
      expect(codes(answers)).toEqual(Array(10).fill(201));
      const told = await story.events();
      await story.expect(
        answers,
        told.map(() => ({ action: 'customers.create' })),
      );
      expect(told.map(({ target }) => target).sort()).toEqual(ids.sort());
    });

    test('of two changes of what both have seen one is refused', async () => {
      const { body, headers } = await created();
      const story = await beginStory(service);
      const changes = [{ name: 'One' }, { name: 'Other' }] as const;
      const answers = await rivals.both('PATCH', `${PATH}/${body.id}`, changes, {
        'if-match': headers.get('etag') ?? '',
      });
      expect(codes(answers)).toEqual([200, 'precondition_failed']);
      const { name } = await read(body.id);
      await story.expect(answers, [
        { action: 'customers.change', target: body.id, before: { name: 'Before' }, after: { name } },
      ]);
    });

    test('two changes that have seen nothing come one after the other', async () => {
      const { body } = await created();
      const story = await beginStory(service);
      const changes = [{ name: 'One' }, { name: 'Other' }] as const;
      const answers = await rivals.both('PATCH', `${PATH}/${body.id}`, changes);
      expect(codes(answers)).toEqual([200, 200]);
      const { name } = await read(body.id);
      const between = name === 'One' ? 'Other' : 'One';
      await story.expect(answers, [
        { action: 'customers.change', before: { name: 'Before' }, after: { name: between } },
        { action: 'customers.change', before: { name: between }, after: { name } },
      ]);
    });

    test('of two deletions one is told that there is none', async () => {
      const { body } = await created();
      const story = await beginStory(service);
      const answers = await rivals.both('DELETE', `${PATH}/${body.id}`, [undefined, undefined]);
      expect(codes(answers)).toEqual([200, 'customer_not_found']);
      await story.expect(answers, [
        { action: 'customers.delete', target: body.id, before: { name: 'Before' }, after: null },
      ]);
    });

    test('of a change and a deletion the customer is gone, and was changed if that came first', async () => {
      const { body } = await created();
      const story = await beginStory(service);
      const answers = await Promise.all([
        rivals.one('PATCH', `${PATH}/${body.id}`, { name: 'After' }),
        rivals.other('DELETE', `${PATH}/${body.id}`),
      ]);
      const [changed, deleted] = answers;
      expect(deleted.status).toBe(200);
      const deletion = { action: 'customers.delete', target: body.id };
      if (changed.status === 200)
        await story.expect(answers, [
          { action: 'customers.change', after: { name: 'After' } },
          { ...deletion, before: { name: 'After' } },
        ]);
      else {
        expect(changed.body.code).toBe('customer_not_found');
        await story.expect(answers, [{ ...deletion, before: { name: 'Before' } }]);
      }
    });
  });

  test('the audit trail of all that is whole', () => expectWholeChain(service.ports.store));
});
