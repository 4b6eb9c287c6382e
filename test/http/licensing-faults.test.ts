/** Activations on a store whose commits are applied and not confirmed: each instance has one slot, and none is lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ports } from '../../shared/ports/ports.ts';
import { activationsPath, licensePath, slotsPath } from '../../shared/records/paths.ts';
import { activate } from '../../shared/usecases/activate.ts';
import { deactivate } from '../../shared/usecases/deactivate.ts';
import { addCaio } from '../support/caio-calls.ts';
import { openFailingStore } from '../support/failing-store.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let ports: Ports;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    ports = { ...service.ports, store: openFailingStore(service.ports.store, { interruptEvery: 2 }) };
  });
  afterAll(() => service.stop());

  async function counts(hash: string) {
    const count = async (collection: string) => (await service.ports.store.aggregate({ collection })).count;
    const holder = licensePath(hash);
    return [await count(activationsPath(holder)), await count(slotsPath(holder))];
  }

  test('an instance that asks twice at once has the last slot in both answers', async () => {
    const { text, hash } = await addCaio(service, { customer_id: 'overtaken', max_instances: 1 });
    const claim = { text, instanceId: 'overtaken' };
    const plain = service.ports.store;
    let overtaking: Promise<unknown> | undefined;
    const overtaken: Ports['store'] = {
      ...plain,
      // The other request comes between what this one has read and its count.
      async aggregate(...query) {
        overtaking ??= activate(service.ports, service.settings, claim);
        await overtaking;
        return plain.aggregate(...query);
      },
    };
    const { status: told } = await activate({ ...service.ports, store: overtaken }, service.settings, claim);
    expect(told).toMatchObject({ instancesInUse: 1, activation: { slot: 0 } });
    expect(await counts(hash)).toEqual([1, 1]);
  });

  test('four instances that activate at once have four slots, and give back four', async () => {
    const { text, hash } = await addCaio(service, { customer_id: 'unconfirmed', max_instances: 4 });
    const ids = ['a', 'b', 'c', 'd'].map((id) => ({ text, instanceId: `fault-${id}` }));
    const told = await Promise.all(ids.map((claim) => activate(ports, service.settings, claim)));
    expect(told.map(({ status }) => status.activation?.slot).sort()).toEqual([0, 1, 2, 3]);
    expect(await counts(hash)).toEqual([4, 4]);
    await expect(activate(ports, service.settings, { text, instanceId: 'fault-e' })).rejects.toMatchObject({
      code: 'activations_exhausted',
      members: { max_instances: 4 },
    });
    const ended = await Promise.all(ids.map((claim) => deactivate(ports, service.settings, claim)));
    expect(ended.map(({ deactivated }) => deactivated)).toEqual([true, true, true, true]);
    expect(await counts(hash)).toEqual([0, 0]);
  });
});
