/**
 * A key is compromised under load: within a minute nobody accepts what it signed, and clients go on with another key.
 *
 * Everything runs at the product's pace: instances look at their list each 15 s, caches keep a key set or a manifest for
 * 30 s, the client library reads a manifest each 20 s. A new verifier of each kind begins each second, so that there is one
 * that has read the last answer from before the news: about 15 + 30 s for the JWK set, 30 + 20 s for the manifest.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Load } from '../support/acquire-load.ts';
import { type SharedCache, startSharedCache } from '../support/rotation-cache.ts';
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
import { type Deployment, RELOAD_MS, startDeployment } from '../support/rotation-deployment.ts';

const WITHIN_MS = 60_000;
/** A verifier that still accepts is watched for so long. */
const GIVEN_UP_AFTER_MS = 120_000;
const BETWEEN_ROUNDS_MS = 1_000;
/** Rounds in a row in which everybody refuses. */
const QUIET_ROUNDS = 4;
/** As the client library does for the manifest. */
const READ_AGAIN_MS = 5_000;
const RUN_LIMIT_MS = 300_000;

/** Whoever verifies, and why each refuses. */
const JWKS = 'the JWK set';
const KINDS = [
  ['instance 0', 'key_compromised'],
  ['instance 1', 'key_compromised'],
  [JWKS, 'unknown_key'],
  [`${JWKS} behind a cache`, 'unknown_key'],
  ['the pinned root', 'key_compromised'],
  ['the pinned root behind a cache', 'key_compromised'],
] as const;

type Kind = (typeof KINDS)[number][0];

let deployment: Deployment;
let baseUrls: string[];
let cache: SharedCache;
let load: Load<RotationCall>;
let watch: Watch;
/** Who refused before the command. */
let refusedBefore: Kind[];
/** What the clients of the load were refused. */
const refusals: Refusal[] = [];

beforeAll(async () => {
  deployment = await startDeployment({ isNextStaged: true });
  baseUrls = deployment.instances.map(({ baseUrl }) => baseUrl);
  cache = await startSharedCache(baseUrls);
  await compromiseUnderLoad();
}, RUN_LIMIT_MS);
afterAll(async () => {
  await cache.stop();
  await deployment.stop();
});

interface Witness {
  readonly kind: Kind;
  readonly check: Check;
}

/** One of each kind of offline verifier. */
async function newWitnesses(place: number): Promise<Witness[]> {
  const { root } = deployment;
  const inTurn = place % 2 === 0 ? baseUrls : baseUrls.toReversed();
  const jwks = (urls: readonly string[]) => jwksCheck({ baseUrls: urls, readAgainMs: READ_AGAIN_MS });
  return [
    { kind: JWKS, check: jwks(inTurn) },
    { kind: `${JWKS} behind a cache`, check: jwks([cache.baseUrl]) },
    { kind: 'the pinned root', check: await pinnedCheck({ root, baseUrl: inTurn[0] ?? '' }) },
    { kind: 'the pinned root behind a cache', check: await pinnedCheck({ root, baseUrl: cache.baseUrl }) },
  ];
}

interface Watch {
  /** When a document of the key was accepted last, on the clock of `performance.now()`. */
  readonly acceptedAt: ReadonlyMap<Kind, number>;
  /** Why it was refused. */
  readonly codes: ReadonlyMap<Kind, ReadonlySet<string>>;
  /** Rounds in a row in which everybody refused. */
  quietRounds(): number;
  /** Shows the document to every verifier, those from before and one more of each kind. */
  round(): Promise<void>;
}

function watchOver(document: string): Watch {
  const witnesses: Witness[] = deployment.instances.map((instance, place) => ({
    kind: place === 0 ? 'instance 0' : 'instance 1',
    check: serviceCheck(instance),
  }));
  const acceptedAt = new Map<Kind, number>();
  const codes = new Map<Kind, Set<string>>();
  let [rounds, quietRounds] = [0, 0];

  async function isAcceptedBy({ kind, check }: Witness): Promise<boolean> {
    const code = await check(document);
    if (code === 'valid') acceptedAt.set(kind, performance.now());
    else codes.set(kind, (codes.get(kind) ?? new Set()).add(code));
    return code === 'valid';
  }

  return {
    acceptedAt,
    codes,
    quietRounds: () => quietRounds,
    async round() {
      witnesses.push(...(await newWitnesses(rounds++)));
      const verdicts = await Promise.all(witnesses.map(isAcceptedBy));
      quietRounds = verdicts.includes(true) ? 0 : quietRounds + 1;
    },
  };
}

async function untilQuiet(): Promise<void> {
  const givenUpAt = performance.now() + GIVEN_UP_AFTER_MS;
  while (watch.quietRounds() < QUIET_ROUNDS && performance.now() < givenUpAt) {
    await watch.round();
    await pause(BETWEEN_ROUNDS_MS);
  }
}

/** A document of the key that is active. */
async function acquire(): Promise<string> {
  const [{ client }] = deployment.instances;
  const request = { license_key: deployment.licenseKey, hardware_id: 'witness', format: 'jws' } as const;
  return (await client.acquire(request)).token ?? '';
}

/** Clients that drop a document which is refused, and acquire another. */
async function startRefusableClients(): Promise<Load<RotationCall>> {
  const { root } = deployment;
  const checks = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => ({
      [JWKS]: jwksCheck({ baseUrls, readAgainMs: 0 }),
      'the pinned root': await pinnedCheck({ root, baseUrl: baseUrls[client % 2] ?? '' }),
    })),
  );
  return startClients(deployment, {
    checksOf: (client) => checks[client] ?? {},
    onRefusal: (refusal) => {
      refusals.push(refusal);
    },
  });
}

/** Until every client has, from both instances, documents that it asked for after both had the new list. */
async function goOn(load: Load<RotationCall>): Promise<void> {
  await deployment.inForce();
  const reloadedAt = noticedAt();
  const later = () => load.calls.filter(({ startedAt }) => startedAt > reloadedAt);
  await load.until(() => everyoneHas(later(), deployment.next.kid));
}

/** When both instances had the list with the compromise. */
const noticedAt = () => Math.max(...(deployment.lists.at(-1)?.noticedAt ?? []));
/** When that list was there. */
const writtenAt = () => deployment.lists.at(-1)?.writtenAt ?? Number.NaN;

async function compromiseUnderLoad(): Promise<void> {
  const { old, next } = deployment;
  watch = watchOver(await acquire());
  load = await startRefusableClients();
  try {
    await load.until(() => everyoneHas(load.calls, old.kid));
    // The cache on the way has the answers of now.
    await watch.round();
    refusedBefore = [...watch.codes.keys()];
    await deployment.command('compromise', old.kid, '--successor', next.kid);
    await Promise.all([untilQuiet(), goOn(load).finally(() => load.stop())]);
  } finally {
    await load.stop();
  }
}

test('a minute after the list was written nobody accepts a document of the key', () => {
  expect(refusedBefore).toEqual([]);
  expect([...watch.acceptedAt.keys()].sort()).toEqual(KINDS.map(([kind]) => kind).sort());
  const late = [...watch.acceptedAt].filter(([, instant]) => instant - writtenAt() >= WITHIN_MS);
  expect(late).toEqual([]);
  expect(watch.quietRounds()).toBe(QUIET_ROUNDS);
});

test('so it is also where an instance looks at the list as late as it may', () => {
  const byInstances = [...watch.acceptedAt].filter(([kind]) => !kind.includes('root'));
  const late = byInstances.filter(([, instant]) => instant - noticedAt() >= WITHIN_MS - RELOAD_MS);
  expect(late).toEqual([]);
});

test('each verifier says why it refuses', () => {
  const codes = KINDS.map(([kind, code]) => [kind, new Set([code])] as const);
  expect(watch.codes).toEqual(new Map(codes));
});

test('no document is signed by the key once its instance has the new list', () => {
  expect(outOfTheirTime(load.calls, deployment)).toEqual([]);
});

test('clients that acquire again after a refusal go on with the successor, and nothing else fails', () => {
  expect(load.failures).toEqual([]);
  expect(refusals.length).toBeGreaterThan(0);
  for (const { by, code, call } of refusals) {
    const { kid, startedAt } = call;
    expect({ by, code, kid }).toEqual({
      by,
      code: by === JWKS ? 'unknown_key' : 'key_compromised',
      kid: deployment.old.kid,
    });
    expect(startedAt).toBeLessThan(noticedAt());
  }
});
