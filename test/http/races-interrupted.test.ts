/**
 * Operators' writes on a store that fails in the middle of a request, call by call: whatever was answered, the request that
 * is repeated with its `Idempotency-Key` has the effect, and has it once. Without a key nothing is done by halves or twice.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../functions/http/endpoint.ts';
import { beginStory, expectWholeChain } from '../support/audit-story.ts';
import { everyEndpoint, NO_PORTS, NO_SETTINGS } from '../support/every-endpoint.ts';
import { type FaultyStore, openFaultyStore, type Strike, type Trouble } from '../support/faulty-store.ts';
import { goodSending, withHeader } from '../support/refusals/every-row.ts';
import { caseOf } from '../support/refusals/index.ts';
import { type Sending, type Stage, startStage } from '../support/refusals/stage.ts';
import { type Instance, serveBeside } from '../support/serve-beside.ts';
import type { Answer } from '../support/service.ts';

/** Letters are beyond any commit; deliver.test.ts and remind.test.ts have their faults. */
const WRITING_LETTERS: readonly string[] = ['deliverDocument', 'remindOfEnd'];
const WRITES = everyEndpoint(NO_PORTS, NO_SETTINGS)
  .filter(
    ({ method, access, operationId }) =>
      method !== 'GET' && access !== 'public' && !WRITING_LETTERS.includes(operationId),
  )
  .map((row) => [`${row.method} ${row.path}`, row] as const);

/** More calls than any request makes. */
const ENOUGH = 60;

/** The nth commit, or the nth call of any kind. */
const commitNumber = (wanted: number, trouble: Trouble): Strike => {
  let commits = 0;
  return (_, method) => {
    if (method !== 'commit') return undefined;
    commits += 1;
    return commits === wanted ? trouble : undefined;
  };
};
const callNumber =
  (wanted: number, trouble: Trouble): Strike =>
  (call) =>
    call === wanted ? trouble : undefined;

const TROUBLES: readonly [what: string, strikeAt: (place: number) => Strike][] = [
  ['a call is not carried out', (place) => callNumber(place, 'unavailable')],
  ['a commit is lost and not told of', (place) => commitNumber(place, 'interrupted_before')],
  ['a commit happens and is not told of', (place) => commitNumber(place, 'interrupted_after')],
];

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let stage: Stage;
  let faulty: FaultyStore;
  let instance: Instance;

  beforeAll(async () => {
    stage = await startStage(store);
    faulty = openFaultyStore(stage.ready.service.ports.store);
    instance = await serveBeside(stage.ready.service, { ports: { store: faulty } });
  });
  afterAll(async () => {
    await instance.stop();
    await stage.stop();
  });

  /** What one request of this endpoint puts on the trail when all is well. */
  async function wholeStory(row: Endpoint): Promise<readonly string[]> {
    const good = await goodSending({ stage, row, theCase: caseOf(row) });
    const story = await beginStory(stage.ready.service);
    expect((await stage.send(good)).status).toBe(row.success ?? 200);
    return (await story.events()).map(({ action }) => action);
  }

  async function sendInto(strike: Strike, sending: Sending): Promise<Answer> {
    faulty.strike(strike);
    const answer = await stage.send({ ...sending, to: instance });
    faulty.heal();
    if (answer.status >= 300) expect(answer.body.code, JSON.stringify(answer.body)).toBe('store_unavailable');
    return answer;
  }

  describe.each(WRITES)('%s', (_, row) => {
    test.each(TROUBLES)('when %s, is carried out once by repeating it with its key', async (__, strikeAt) => {
      const whole = await wholeStory(row);
      let place = 0;
      do {
        place += 1;
        const keyed = await withHeader('idempotency-key', randomUUID())({ stage, row, theCase: caseOf(row) });
        const story = await beginStory(stage.ready.service);
        await sendInto(strikeAt(place), keyed);
        const again = await stage.send({ ...keyed, to: instance });
        expect([place, again.status]).toEqual([place, row.success ?? 200]);
        expect([place, ...(await story.events()).map(({ action }) => action)]).toEqual([place, ...whole]);
      } while (faulty.struck() > 0 && place < ENOUGH);
      expect(place).toBeGreaterThan(1);
      expect(place).toBeLessThan(ENOUGH);
    });

    test.each(TROUBLES)('when %s, and there is no key, is told as it was', async (__, strikeAt) => {
      const whole = await wholeStory(row);
      let place = 0;
      do {
        place += 1;
        const plain = await goodSending({ stage, row, theCase: caseOf(row) });
        const story = await beginStory(stage.ready.service);
        const { status } = await sendInto(strikeAt(place), plain);
        const told = (await story.events()).map(({ action }) => action);
        // A refusal may come after what was committed first, and the trail has that, once.
        if (status < 300) expect([place, ...told]).toEqual([place, ...whole]);
        else expect([place, ...told]).toEqual([place, ...whole.slice(0, told.length)]);
      } while (faulty.struck() > 0 && place < ENOUGH);
      expect(place).toBeLessThan(ENOUGH);
    });

    test('on a store that answers late is carried out once', async () => {
      const whole = await wholeStory(row);
      const plain = await goodSending({ stage, row, theCase: caseOf(row) });
      const story = await beginStory(stage.ready.service);
      const { status } = await sendInto(() => 'late', plain);
      expect(status).toBe(row.success ?? 200);
      expect((await story.events()).map(({ action }) => action)).toEqual(whole);
    });
  });

  test('and the audit trail of all that is whole', () => expectWholeChain(stage.ready.service.ports.store));
});
