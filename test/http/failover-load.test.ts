/**
 * The first of two KMSs falls ill under load, each in a process of its own: no acquire fails, none waits longer than the
 * deadline and a call, and signing returns to it.
 *
 * How long a call takes depends on the machine, so it is measured in the same run: the slowest hundredth of what the
 * first KMS signed. The allowance is for a machine that is busy with other things; a service that waits for a slow KMS
 * exceeds it all the same.
 */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { serve } from '../../functions/http/serve.ts';
import { keyEndpoints } from '../../functions/keys/endpoints.ts';
import { licenseEndpoints } from '../../functions/licenses/endpoints.ts';
import { awsPublicKey, createAwsKmsClient } from '../../infra/kms/aws.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient } from '../../infra/kms/google.ts';
import type { Fault } from '../../infra/local/kms/faults.ts';
import { percentile } from '../../scripts/bench/statistics.ts';
import { type Client, createClient } from '../../shared/client/client.ts';
import type { KeyDirectory } from '../../shared/ports/key-directory.ts';
import type { Log } from '../../shared/ports/log.ts';
import {
  createOfflineVerifier,
  type Load,
  type SignedCall,
  signedCall,
  startLoad,
} from '../support/acquire-load.ts';
import { type MortalKms, startMortalKms, TEST_AWS_KEYS, TEST_KEYS } from '../support/kms.ts';
import { callsOn } from '../support/license-calls.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** SIGNING_DEADLINE_MS */
const DEADLINE_MS = 1_000;
const ALLOWANCE_MS = 2_000;
const SLOW_MS = 5_000;
const CLIENTS = 20;
/** Each client has so many machines, which acquire in turn. */
const MACHINES_EACH = 30;
const SEATS = CLIENTS * MACHINES_EACH;
/** So many documents of one key in a row: it is the one that signs. */
const SETTLED = 5 * CLIENTS;
/** Documents of the second key while the first KMS is ill: many more than may wait for it. */
const ILL_DOCUMENTS = 15 * CLIENTS;
const FAILURES_TO_OPEN = 3;
const TEST_LIMIT_MS = 150_000;

let google: MortalKms;
/** Its KMS is the second one, and stays well. */
let service: TestService;
let keyNames: { readonly google: string; readonly aws: string };
let kids: { readonly google: string; readonly aws: string };
let client: Client;
let circuitStates: string[];
let closeInstance: () => Promise<void>;

const onService = callsOn(() => service);

beforeAll(async () => {
  service = await startTestService();
  const aws = createAwsKmsClient({ endpoint: service.kms.awsEndpoint });
  const { keyArn } = await awsPublicKey(aws, TEST_AWS_KEYS.ed25519);
  await aws.close();
  keyNames = { google: TEST_KEYS.ed25519, aws: keyArn };
});
afterAll(() => service.stop());

beforeEach(async () => {
  google = await startMortalKms();
  const opened = openKeys();
  const [first = '', second = ''] = (await opened.keys.list()).map(({ kid }) => kid);
  kids = { google: first, aws: second };
  await opened.close();
  closeInstance = await startInstance();
});
afterEach(async () => {
  await closeInstance();
  await google.stop();
});

/** An instance of the service that has not seen its keys yet. Its store is that of the file. */
async function startInstance(): Promise<() => Promise<void>> {
  circuitStates = [];
  const opened = openKeys();
  const ports = { ...service.ports, keys: opened.keys };
  const about = { name: `failover-${randomUUID()}`, version: '0', environment: 'test', issuer: 'test' };
  const endpoints = [...licenseEndpoints(ports, service.settings), ...keyEndpoints(opened.keys)];
  serve({ ports, log, about, config: { CORS_ALLOWED_ORIGINS: [] } }, endpoints);
  const server = getTestServer(about.name);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = createClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await opened.close();
  };
}

/** Notes what becomes of the first KMS's circuit. */
const log: Log = {
  write({ message }) {
    const [, name, state] = /^the circuit of the signer (\S+) is ([\w-]+)(?:$|: )/.exec(message) ?? [];
    if (name === keyNames.google && state !== undefined) circuitStates.push(state);
  },
};

/** The signing keys as an instance with two clouds opens them. */
function openKeys(): { readonly keys: KeyDirectory; close(): Promise<unknown> } {
  const clients = {
    client: createKmsClient({ endpoint: google.endpoint }),
    awsClient: createAwsKmsClient({ endpoint: service.kms.awsEndpoint }),
  };
  const row = { algorithm: 'EC_SIGN_ED25519', use: 'license', state: 'active' } as const;
  const keys = [keyNames.google, keyNames.aws].map((name) => ({ ...row, name }));
  return {
    keys: createKeyDirectory({ ...clients, keys, deadlineMs: DEADLINE_MS, log }),
    close: () => Promise.all([clients.client.close(), clients.awsClient.close()]),
  };
}

interface Illness {
  readonly seats?: number;
  readonly isIllFromTheStart?: boolean;
  fallIll(): Promise<void>;
  heal(): Promise<void>;
  /** How often the adapter asks before it reports a failure. */
  readonly attempts?: number;
  /** How many signatures the first KMS was asked for; of a dead one nobody knows. */
  asked?(): Promise<number>;
}

interface Outage {
  readonly licenseKey: string;
  readonly calls: readonly SignedCall[];
  readonly failures: readonly unknown[];
  /** Between these instants of `performance.now()` the first KMS was certainly ill. */
  readonly illFrom: number;
  readonly illTo: number;
  readonly askedWhileIll: number;
  readonly trialsWhileIll: number;
}

/** The load never pauses. A stage ends when it has shown what it is for, however long that takes. */
async function sufferOutage(illness: Illness): Promise<Outage> {
  const { seats = null, isIllFromTheStart = false, fallIll, heal, asked = async () => 0 } = illness;
  const licenseKey = await service.addLicense({ seats });
  if (isIllFromTheStart) await fallIll();
  const load = startAcquires(licenseKey, seats);
  const { calls, failures } = load;
  try {
    if (!isIllFromTheStart) {
      await load.until(() => signsNow(calls, kids.google));
      await fallIll();
    }
    const [illFrom, askedBefore] = [performance.now(), await asked()];
    await load.until(() => hasTrialFailed() && endedSince(calls, illFrom) >= ILL_DOCUMENTS);
    const [illTo, askedWhileIll] = [performance.now(), (await asked()) - askedBefore];
    const trialsWhileIll = circuitStates.filter((state) => state === 'half-open').length;
    await heal();
    await load.until(() => signsNow(calls, kids.google) && machinesOf(calls).size >= (seats ?? 0));
    return { licenseKey, calls, failures, illFrom, illTo, askedWhileIll, trialsWhileIll };
  } finally {
    await load.stop();
  }
}

/** Each client has machines of its own. Without a limit of seats every acquire is a new machine's. */
function startAcquires(license_key: string, seats: number | null): Load {
  const verify = createOfflineVerifier(client);
  const machinesEach = seats === null ? Number.POSITIVE_INFINITY : seats / CLIENTS;
  return startLoad({
    clients: CLIENTS,
    turn: (number, count) =>
      signedCall(verify, `machine-${number}-${count % machinesEach}`, (hardware_id) =>
        client.acquire({ license_key, hardware_id, format: 'jws' }),
      ),
  });
}

function signsNow(calls: readonly SignedCall[], kid: string): boolean {
  return calls.length >= SETTLED && calls.slice(-SETTLED).every((call) => call.kid === kid);
}

const hasTrialFailed = () => circuitStates.join().includes('half-open,open');
const endedSince = (calls: readonly SignedCall[], instant: number) =>
  calls.filter(({ endedAt }) => endedAt > instant).length;
const machinesOf = (calls: readonly SignedCall[]) => new Set(calls.map(({ hardwareId }) => hardwareId));
const latency = ({ startedAt, endedAt }: SignedCall) => endedAt - startedAt;
const p99 = (calls: readonly SignedCall[]) => percentile(calls.map(latency), 0.99);

function expectSigningToChangeHands({ calls, illFrom, illTo }: Outage): void {
  expect(new Set(calls.map(({ kid }) => kid))).toEqual(new Set([kids.google, kids.aws]));
  const whileIll = calls.filter(({ startedAt, endedAt }) => startedAt >= illFrom && endedAt <= illTo);
  expect(new Set(whileIll.map(({ kid }) => kid))).toEqual(new Set([kids.aws]));
}

function expectShortWaits({ calls, illFrom, illTo }: Outage): void {
  const call = p99(calls.filter(({ kid }) => kid === kids.google));
  const touched = calls.filter(({ startedAt, endedAt }) => endedAt >= illFrom && startedAt <= illTo);
  expect(p99(touched)).toBeLessThanOrEqual(DEADLINE_MS + call + ALLOWANCE_MS);
  // A few in thousands are above every p99. Not even one of them waits for the slow KMS.
  expect(Math.max(...calls.map(latency))).toBeLessThan(SLOW_MS);
}

/** Only calls that were under way when the circuit opened, those that opened it, and trials have asked the ill KMS. */
function expectFewAsked({ askedWhileIll, trialsWhileIll }: Outage, attempts: number): void {
  const mayAsk = CLIENTS + FAILURES_TO_OPEN + trialsWhileIll;
  expect(askedWhileIll).toBeLessThanOrEqual(mayAsk * attempts);
}

/** A machine keeps its session, whoever signs for it, and has no second one. */
async function expectOneSeatEach({ calls, licenseKey }: Outage): Promise<void> {
  const pairs = new Set(calls.map(({ hardwareId, sessionId }) => `${hardwareId} ${sessionId}`));
  const sessions = new Set(calls.map(({ sessionId }) => sessionId));
  const machines = machinesOf(calls).size;
  expect([pairs.size, sessions.size]).toEqual([machines, machines]);
  expect(await onService.countSessions(licenseKey)).toBe(machines);
}

const fault = (kind: Fault) => () => google.setFault(kind);
const noFault = () => google.setFault(null);
const asked = async () => (await google.stats()).signs.requested;

const ILLNESSES: [string, Illness][] = [
  [
    'dead from the start',
    { isIllFromTheStart: true, fallIll: () => google.kill(), heal: () => google.revive() },
  ],
  ['killed and started again', { fallIll: () => google.kill(), heal: () => google.revive() }],
  [
    'slow',
    { seats: SEATS, fallIll: fault({ kind: 'latency', ms: SLOW_MS }), heal: noFault, asked, attempts: 1 },
  ],
  ['lying', { fallIll: fault({ kind: 'wrong_signature' }), heal: noFault, asked, attempts: 3 }],
];

test.each(ILLNESSES)(
  'while the first KMS is %s, every acquire is signed in time, and then by it again',
  async (_what, illness) => {
    const outage = await sufferOutage(illness);
    expect(outage.failures).toEqual([]);
    expectSigningToChangeHands(outage);
    expectShortWaits(outage);
    expectFewAsked(outage, illness.attempts ?? 0);
    await expectOneSeatEach(outage);
    if (illness.seats === undefined) return;
    const { status, body } = await onService.acquire(outage.licenseKey, 'one machine too many');
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'seats_exhausted' });
  },
  TEST_LIMIT_MS,
);
