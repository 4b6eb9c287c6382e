/**
 * A rotation under load, done with the operator's command line: nobody who acquires, heartbeats and verifies notices it.
 *
 * The instances and the caches of half the clients run 15 times as fast, so that every phase lasts longer than an interval
 * and the test does not last minutes. No setting of the product does that, and nothing is decided by it: at the product's
 * pace the test would wait for the same events. `compromise.test.ts` keeps the product's pace.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MIN_STAGED_SECONDS, PUBLIC_KEY_MAX_AGE_SECONDS } from '../../shared/constants.ts';
import { decodeDocument } from '../../shared/formats/index.ts';
import type { Load } from '../support/acquire-load.ts';
import {
  type Check,
  CLIENTS,
  everyoneHas,
  jwksCheck,
  outOfTheirTime,
  pinnedCheck,
  type Refusal,
  type RotationCall,
  serviceCheck,
  startClients,
} from '../support/rotation-clients.ts';
import { type Deployment, RELOAD_MS, startDeployment, WEEK_SECONDS } from '../support/rotation-deployment.ts';

const PACE = 15;
const CACHED_MS = (PUBLIC_KEY_MAX_AGE_SECONDS * 1000) / PACE;
/** The client library's 20 s. */
const PINNED_MAX_AGE_MS = 20_000 / PACE;
/** A machine that is busy with other things looks at a list late. */
const ALLOWANCE_MS = 10_000;
const RUN_LIMIT_MS = 300_000;

/** What a client's verifier said of documents of each key. */
type Verdicts = Map<string, Set<string>>;

let deployment: Deployment;
let baseUrls: string[];
let load: Load<RotationCall>;
/** Of a client with the manifest from before the staging, and how often it read one. */
const seldom = { verdicts: new Map() as Verdicts, reads: 0, readsBeforeActivation: 0 };
/** Of a client that is offline, with a manifest of last week. */
const offline = { verdicts: new Map() as Verdicts };

beforeAll(async () => {
  deployment = await startDeployment({ pace: PACE });
  baseUrls = deployment.instances.map(({ baseUrl }) => baseUrl);
  await rotateUnderLoad();
}, RUN_LIMIT_MS);
afterAll(() => deployment.stop());

/** Each phase lasts until every client has documents of it from both instances. */
async function rotateUnderLoad(): Promise<void> {
  const { old, next } = deployment;
  const checks = await Promise.all(Array.from({ length: CLIENTS }, (_, client) => checksOf(client)));
  const first = checks[0] as Record<string, Check>;
  first['a manifest from before the staging'] = noting(seldom.verdicts, await seldomReader());
  load = startClients(deployment, { checksOf: (client) => checks[client] ?? {}, onRefusal });
  try {
    await reach(() => everyoneHas(load.calls, old.kid));
    await deployment.change('stage', '--name', next.name);
    const manifest = await deployment.manifestOfLastWeek();
    first['a manifest of last week, offline'] = noting(offline.verdicts, await offlineCheck(manifest));
    // The minute for which a key has to be published before it signs.
    await deployment.operator.publishedAgo(MIN_STAGED_SECONDS);
    // Sets that are never read ahead of time have the key from then on.
    await pause(CACHED_MS);
    await reachAnew(old.kid);
    seldom.readsBeforeActivation = seldom.reads;
    await deployment.change('activate', next.kid);
    await reachAnew(next.kid);
    await deployment.change('rollback', old.kid);
    await reachAnew(old.kid);
    await deployment.change('activate', next.kid);
    // An old key is retired when every client has a document of the new one.
    await reachAnew(next.kid);
    await deployment.change('retire', old.kid);
    await reachAnew(next.kid);
  } finally {
    await load.stop();
  }
}

/** Those of even number read the set again for a key that they do not know. The others rely on their cache alone. */
async function checksOf(client: number): Promise<Record<string, Check>> {
  const { root } = deployment;
  const baseUrl = baseUrls[client % 2] ?? '';
  const reading = client % 2 === 0 ? { readAgainMs: 0 } : { maxAgeMs: CACHED_MS };
  return {
    'the JWK set': jwksCheck({ baseUrls, ...reading }),
    'the pinned root': await pinnedCheck({ root, baseUrl, maxAgeMs: PINNED_MAX_AGE_MS }),
  };
}

/** Reads a manifest at its start, and would not look at another one for a month. */
function seldomReader(): Promise<Check> {
  const fetchManifest = async () => {
    seldom.reads += 1;
    return (await fetch(new URL('/.well-known/license-keys', baseUrls[0]))).text();
  };
  return pinnedCheck({ root: deployment.root, fetchManifest, maxAgeMs: 4 * WEEK_SECONDS * 1000 });
}

function offlineCheck(stored: string): Promise<Check> {
  const fetchManifest = () => Promise.reject(new Error('there is no network'));
  return pinnedCheck({ root: deployment.root, stored, fetchManifest });
}

function noting(verdicts: Verdicts, check: Check): Check {
  return async (document) => {
    const code = await check(document);
    const { kid } = decodeDocument(document);
    verdicts.set(kid, (verdicts.get(kid) ?? new Set()).add(code));
    return code;
  };
}

/** No client may be refused anything. */
function onRefusal({ by, code, call: { client, instance, kid } }: Refusal): never {
  throw new Error(
    `${by} says ${code} to client ${client}, whose document is of ${kid} and instance ${instance}`,
  );
}

async function reach(condition: () => boolean): Promise<void> {
  await load.until(condition);
  expect(load.failures).toEqual([]);
}

/** Every client has documents of the key that it asked for from now on. */
function reachAnew(kid: string): Promise<void> {
  const now = performance.now();
  return reach(() =>
    everyoneHas(
      load.calls.filter(({ startedAt }) => startedAt > now),
      kid,
    ),
  );
}

/** The keys that signed for a client at an instance, in their order, repetitions left out. */
function phasesOf(client: number, instance: number): string[] {
  const own = load.calls.filter((call) => call.client === client && call.instance === instance);
  return own.map(({ kid }) => kid).filter((kid, place, kids) => kid !== kids[place - 1]);
}

test('no call, verification or validation of 20 clients fails', () => {
  expect(load.failures).toEqual([]);
});

test('every client has had documents of each phase from both instances, and of no phase twice', () => {
  const { old, next } = deployment;
  for (let client = 0; client < CLIENTS; client++)
    for (const instance of [0, 1])
      expect(phasesOf(client, instance)).toEqual([old.kid, next.kid, old.kid, next.kid]);
});

test('no document is signed by a key that is not active in the list of its time', () => {
  expect(deployment.lists).toHaveLength(6);
  expect(outOfTheirTime(load.calls, deployment)).toEqual([]);
});

test('both instances have each list within an interval', () => {
  for (const { writtenAt, noticedAt } of deployment.lists.slice(1))
    expect(Math.max(...noticedAt) - writtenAt).toBeLessThan(RELOAD_MS / PACE + ALLOWANCE_MS);
});

test('a client that is offline with a manifest of last week accepts the documents of both keys', () => {
  const { old, next } = deployment;
  expect(Object.fromEntries(offline.verdicts)).toEqual({
    [old.kid]: new Set(['valid']),
    [next.kid]: new Set(['valid']),
  });
});

test('a client with a manifest from before the staging reads one more, and accepts the documents of both keys', () => {
  const { old, next } = deployment;
  expect(Object.fromEntries(seldom.verdicts)).toEqual({
    [old.kid]: new Set(['valid']),
    [next.kid]: new Set(['valid']),
  });
  expect([seldom.readsBeforeActivation, seldom.reads]).toEqual([1, 2]);
});

test('a document of the retired key that somebody still holds is refused by everybody who is online', async () => {
  const document = load.calls.findLast(({ kid }) => kid === deployment.old.kid)?.document ?? '';
  const { root, instances } = deployment;
  for (const instance of instances) {
    const { baseUrl } = instance;
    const checks = [
      serviceCheck(instance),
      await pinnedCheck({ root, baseUrl }),
      jwksCheck({ baseUrls: [baseUrl], readAgainMs: 0 }),
    ];
    const codes = await Promise.all(checks.map((check) => check(document)));
    expect(codes).toEqual(['key_retired', 'key_retired', 'unknown_key']);
  }
});
