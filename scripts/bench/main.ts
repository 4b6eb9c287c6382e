/**
 * `npm run bench`: requests per second and latencies of the licence API, as ratios to a bare function that
 * echoes its body, and the cold start. docs/performance.md says how to read it.
 *
 * Baseline and subject take turns, so that whatever else the machine does meets both; the numbers are medians
 * over rounds. `--quick` takes about a minute. Ends with exit code 1 when any request failed.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createClient } from '../../shared/client/client.ts';
import { measureColdStarts } from './cold-start.ts';
import { measureCommandStarts } from './command-start.ts';
import { fsyncLatenciesMs } from './disk.ts';
import { measureFirestore } from './firestore.ts';
import { describeFirestore } from './firestore-report.ts';
import { type FunctionProcess, type FunctionToServe, startFunction } from './function-process.ts';
import { install } from './installation.ts';
import { measureLists } from './lists.ts';
import { describeLists } from './lists-report.ts';
import { startLoadGenerator } from './load.ts';
import { describeProfile } from './profile.ts';
import {
  describeColdStarts,
  describeCommandStarts,
  describeFsync,
  describeMachine,
  failuresOf,
  type Pair,
  type Run,
  tableOf,
} from './report.ts';
import { prepareScenarios, type Scenario } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    connections: { type: 'string', default: '16' },
    /**
     * Measures the scenarios whose names contain this; `firestore`: what operations cost there; `lists`: what lists of
     * many licences cost on SQLite; `command`: how long `countersign` takes to start.
     */
    only: { type: 'string', default: '' },
    /** A folder for a CPU profile of the function. Profiling costs time: not for numbers. */
    profile: { type: 'string' },
  },
});
const FIRESTORE = 'firestore';
const COMMAND = 'command';
const LISTS = 'lists';
const connections = Number(values.connections);
const plan = values.quick
  ? { rounds: 1, seconds: 0.7, releases: 300, coldStarts: 3, runs: 5, licenses: 10_000 }
  : { rounds: 5, seconds: 2, releases: 2000, coldStarts: 9, runs: 21, licenses: 100_000 };

console.log(`${describeMachine()}; ${connections} connections, ${plan.rounds} rounds of ${plan.seconds} s\n`);

const installation = await install();
const { environment, licenseKeys } = installation;
console.log(`${describeFsync(fsyncLatenciesMs(installation.folder))}\n`);

const echo: FunctionToServe = { target: 'echo', source: 'scripts/bench/echo.ts', environment };
const licenses: FunctionToServe = { target: 'licenses', source: 'functions/licenses/main.ts', environment };
const generator = startLoadGenerator();
let failures = 0;

try {
  if (values.only === '' || values.only === FIRESTORE) await printFirestore();
  if (values.only === '' || values.only === LISTS) await printLists();
  if (values.only === '' || values.only === COMMAND)
    console.log(`${describeCommandStarts(measureCommandStarts(plan.coldStarts))}\n`);
  if (![FIRESTORE, COMMAND, LISTS].includes(values.only)) {
    failures += await measureThroughput();
    const first = { license_key: licenseKeys.EC_SIGN_ED25519, hardware_id: 'cold-start' };
    const request = { path: '/api/v1/licenses/acquire', body: JSON.stringify(first) };
    console.log(describeColdStarts(await measureColdStarts(licenses, echo, request, plan.coldStarts)));
  }
} finally {
  generator.stop();
  await installation.stop();
}
if (failures > 0) {
  console.error(`${failures} requests failed, so the numbers above are worth nothing.`);
  process.exitCode = 1;
}

async function printFirestore(): Promise<void> {
  const costs = await measureFirestore(installation, { runs: plan.runs, machines: 100 });
  console.log(`${describeFirestore(costs)}\n`);
}

async function printLists(): Promise<void> {
  const { licenses, coldStarts: runs } = plan;
  console.log(`${describeLists(await measureLists(installation.folder, { licenses, runs }))}\n`);
}

/** Prints the table and answers how many requests failed. */
async function measureThroughput(): Promise<number> {
  const baseline = await startFunction(echo);
  const subject = await startFunction(profiled(licenses));
  try {
    const all = await prepareScenarios({
      client: createClient({ baseUrl: subject.url }),
      licenseKeys,
      // One run more than there are rounds, to warm up; one session more in each for the check.
      releases: { amount: plan.releases + 1, runs: plan.rounds + 1 },
    });
    const measured = new Map<Scenario, Pair[]>();
    for (const scenario of all.filter(({ name }) => name.includes(values.only))) {
      const pairs: Pair[] = [];
      for (let round = -1; round < plan.rounds; round++) {
        const pair = await measure(scenario, baseline, subject);
        if (round >= 0) pairs.push(pair);
      }
      measured.set(scenario, pairs);
    }
    console.log(`${tableOf(measured)}\n`);
    return [...measured.values()].reduce((sum, pairs) => sum + failuresOf(pairs), 0);
  } finally {
    await Promise.all([baseline.stop(), subject.stop()]);
    if (values.profile !== undefined) console.log(`${describeProfile(values.profile)}\n`);
  }
}

function profiled(served: FunctionToServe): FunctionToServe {
  if (values.profile === undefined) return served;
  const options = `--cpu-prof --cpu-prof-interval=200 --cpu-prof-dir=${resolve(values.profile)}`;
  return { ...served, environment: { ...served.environment, NODE_OPTIONS: options } };
}

async function measure(
  scenario: Scenario,
  baseline: FunctionProcess,
  subject: FunctionProcess,
): Promise<Pair> {
  const all = scenario.bodies();
  const bodies = scenario.once ? all.slice(1) : all;
  await check(scenario, subject.url, all[0] ?? '');
  const run = async ({ url, cpuMs }: FunctionProcess): Promise<Run> => {
    const cpuBefore = cpuMs();
    const measurement = await generator.run({
      url: `${url}${scenario.path}`,
      bodies,
      connections,
      length: scenario.once ? { amount: bodies.length } : { seconds: plan.seconds },
    });
    return { ...measurement, cpuMicroseconds: ((cpuMs() - cpuBefore) * 1000) / measurement.requests };
  };
  const pair = { baseline: await run(baseline), subject: await run(subject) };
  if (!scenario.once) await check(scenario, subject.url, all[0] ?? '');
  return pair;
}

/** A status of 200 is not enough: `validate` has it for a document that does not hold, too. */
async function check({ name, path, isGood }: Scenario, url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body });
  const text = await response.text();
  if (!response.ok || !isGood(JSON.parse(text))) throw new Error(`${name} is answered with ${text}`);
}
