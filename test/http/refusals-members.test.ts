/**
 * Bodies that are wrong in one member: every member of every request that would succeed is left out and given each other
 * type. What its schema does not allow is refused at that member, before anything is changed; what nobody knows is ignored.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../functions/http/endpoint.ts';
import { everyEndpoint, NO_PORTS, NO_SETTINGS } from '../support/every-endpoint.ts';
import { goodSending } from '../support/refusals/every-row.ts';
import { caseOf } from '../support/refusals/index.ts';
import { type Sending, type Stage, startStage } from '../support/refusals/stage.ts';

const WITH_BODY = everyEndpoint(NO_PORTS, NO_SETTINGS)
  .filter(({ request }) => request !== undefined)
  .map((row) => [`${row.method} ${row.path}`, row] as const);

/** One value of each type. */
const VALUES = [null, true, 0.5, 'text', [], [{}], {}];

let stage: Stage;

beforeAll(async () => {
  stage = await startStage('sqlite');
});
afterAll(() => stage.stop());

type Body = Readonly<Record<string, unknown>>;

/** Bodies that the schema refuses, each with the member that is wrong in it. */
function wrongBodies({ request }: Endpoint, good: Body): (readonly [member: string, body: Body])[] {
  const without = (name: string) =>
    Object.fromEntries(Object.entries(good).filter(([member]) => member !== name));
  const bodies = Object.keys(good).flatMap((name) => [
    [name, without(name)] as const,
    ...VALUES.map((value) => [name, { ...good, [name]: value }] as const),
  ]);
  return bodies.filter(([, body]) => request?.safeParse(body).success === false);
}

/** In a refused body another member may be wrong too: half of `duration_days` makes no subscription. */
async function expectRefusedAt(member: string, sending: Sending): Promise<void> {
  const { status, body } = await stage.send(sending);
  expect([sending.shot.body, status, body.code]).toEqual([sending.shot.body, 422, 'invalid_request']);
  const pointers: string[] = body.errors.map(({ pointer }: { pointer: string }) => pointer);
  // A change of nothing is wrong as a whole.
  const isEmpty = Object.keys(sending.shot.body as Body).length === 0;
  const wrongAt = isEmpty ? '' : `/${member}`;
  expect(pointers.some((pointer) => pointer === wrongAt || pointer.startsWith(`${wrongAt}/`))).toBe(true);
}

describe.each(WITH_BODY)('%s', (_, row) => {
  const making = () => ({ stage, row, theCase: caseOf(row) });

  test('refuses what is missing or of a wrong type at its member, and changes nothing', async () => {
    const good = await goodSending(making());
    const wrong = wrongBodies(row, good.shot.body as Body);
    const before = stage.ready.service.dumpStore();
    for (const [member, body] of wrong)
      await expectRefusedAt(member, { ...good, shot: { ...good.shot, body } });
    expect(stage.ready.service.dumpStore() === before, 'nothing changed').toBe(true);
    const members = new Set(wrong.map(([member]) => member));
    expect([...members].sort()).toEqual(Object.keys(good.shot.body as Body).sort());
  });

  test('ignores a member that nobody knows', async () => {
    const good = await goodSending(making());
    const body = { ...(good.shot.body as Body), unknown_to_all: { of: ['any', 'type'] } };
    const { status } = await stage.send({ ...good, shot: { ...good.shot, body } });
    expect(status).toBe(row.success ?? 200);
  });
});
