/**
 * I9, the end of a world: faults stop, clients fall silent, every lease runs out. Then a machine that never was there
 * gets a seat at its first attempt, and when that is over too and a sweep has run, nothing is left but the ledger.
 */
import { IDEMPOTENCY_TTL_SECONDS } from '../../shared/constants.ts';
import type { LicenseRecord } from '../../shared/records/license.ts';
import { licensePath } from '../../shared/records/paths.ts';
import type { Checks } from './checks/index.ts';
import type { Outcome, Request } from './request.ts';
import { CLIENT_DEADLINE_MS, type Service } from './service.ts';
import type { Stage } from './stage.ts';
import { acquireWork, operatorWork } from './work.ts';
import type { WorldLicense } from './world.ts';

interface Ending {
  readonly stage: Stage;
  readonly service: Service;
  readonly checks: Checks;
  readonly licenses: readonly WorldLicense[];
  readonly runUntil: (isDone: () => boolean) => Promise<boolean>;
}

/** Messages there and back that an acquire may take when nothing fails. */
const MOST_ROUND_TRIPS = 12;
const QUIET_MS = 3 * CLIENT_DEADLINE_MS;

export async function windDown(ending: Ending): Promise<void> {
  const { stage, checks, licenses, runUntil } = ending;
  stage.calm();
  if (!(await waitUntil(ending, stage.scheduler.now() + QUIET_MS))) return;
  for (const { hash } of licenses) {
    if (licenseAt(stage, hash).status !== 'suspended') continue;
    if ((await ask(ending, { operation: 'reinstate', license: hash, hardware: undefined })) === undefined)
      return;
  }
  if (!(await waitUntil(ending, allOverAt(stage)))) return;
  const needsSweep = licenses.some(({ hash }) => hasSeatBeyond(stage, hash));
  if ((needsSweep || stage.random.chance(0.5)) && (await sweep(ending)) === undefined) return;
  for (const license of licenses) await acquireAfresh(ending, license);
  await waitUntil(ending, allOverAt(stage));
  await waitUntil(ending, stage.scheduler.now() + IDEMPOTENCY_TTL_SECONDS * 1000);
  const swept = await sweep(ending);
  if (swept === undefined || !(await runUntil(() => ending.service.underway() === 0))) return;
  if (swept.code !== 'ok') stage.judge.fail('I9', `the last sweep ended with ${swept.code}`);
  checkLeftovers(stage);
  checks.finished();
}

const sweep = (ending: Ending) =>
  ask(ending, { operation: 'sweep', license: undefined, hardware: undefined });

/**
 * After a lowering nothing is granted while a seat beyond the number is held, even by a lease that is over: a sweep has
 * to come first.
 */
function hasSeatBeyond(stage: Stage, license: string): boolean {
  const { seats } = licenseAt(stage, license);
  return [...stage.history.sessions.values()].some((life) => {
    const seat = life.versions.at(-1)?.record.seat ?? Number.POSITIVE_INFINITY;
    return seats !== null && life.license === license && life.removedAt === undefined && seat >= seats;
  });
}

/** A machine that nobody has seen before asks once. */
async function acquireAfresh(ending: Ending, { licenseKey, license, hash }: WorldLicense): Promise<void> {
  const { stage } = ending;
  const { status, expires_at: expiresAt, expiry_strategy: strategy } = licenseAt(stage, hash);
  const isPast = expiresAt !== null && stage.scheduler.now() >= expiresAt - stage.halfSkewMs;
  const isOver = isPast && strategy !== 'allow';
  if (status !== 'active' || isOver || license.bound) return;
  const body = { license_key: licenseKey, hardware_id: 'fresh' };
  const command = { licenseKey, hardwareId: 'fresh', format: 'jws', nonce: undefined, body } as const;
  const request = { operation: 'acquire', license: hash, hardware: stage.hash('hardware', 'fresh') } as const;
  const askedAt = stage.scheduler.now();
  const work = acquireWork(stage, { ...command, borrowSeconds: undefined, idempotencyKey: undefined });
  const outcome = await ask(ending, request, () => work);
  if (stage.judge.violation() !== undefined) return;
  const tookMs = stage.scheduler.now() - askedAt;
  const parties = { license: licenseKey };
  if (outcome?.code !== 'ok') {
    const got = outcome?.code ?? 'no answer';
    stage.judge.fail('I9', `a fresh acquire on ${licenseKey} got ${got}; ${holdersOf(stage, hash)}`, parties);
  } else if (tookMs > MOST_ROUND_TRIPS * 2 * stage.configuration.latencyMs) {
    stage.judge.fail('I9', `a fresh acquire on ${licenseKey} took ${tookMs} ms`, parties);
  }
}

function holdersOf({ history, names }: Stage, license: string): string {
  const lives = [...history.sessions.values()].filter(
    (life) => life.license === license && life.removedAt === undefined,
  );
  const seats = lives.map(
    ({ hardware, versions }) => `${names.get(hardware)} seat ${versions.at(-1)?.record.seat}`,
  );
  return `sessions left: ${seats.join(', ') || 'none'}`;
}

/** Nothing holds a seat, and no key is remembered longer than it has to be. */
function checkLeftovers({ history, judge }: Stage): void {
  for (const path of history.documents.keys()) {
    const isKept = /^(usage\/|licenses\/[^/]+$)/.test(path);
    if (!isKept) judge.fail('I9', `${path} is left when everything is over`);
  }
}

/** Sends one request and runs until it is answered. */
async function ask(
  { stage, service, runUntil }: Ending,
  wanted: Omit<Request, 'id' | 'arrivedAt'>,
  workOf = (request: Request) => operatorWork(stage, request),
): Promise<Outcome | undefined> {
  const request = service.newRequest(wanted);
  let isDone = false;
  let answer: Outcome | undefined;
  service.send(service.anyInstance(), request, workOf(request), (outcome) => {
    answer = outcome;
    isDone = true;
  });
  await runUntil(() => isDone);
  return answer;
}

async function waitUntil({ stage, runUntil }: Ending, at: number): Promise<boolean> {
  let isThere = false;
  stage.scheduler.after(at - stage.scheduler.now(), () => {
    isThere = true;
  });
  return runUntil(() => isThere);
}

const licenseAt = ({ history }: Stage, hash: string) =>
  history.documents.get(licensePath(hash)) as LicenseRecord;

/** When every lease is over and every clock knows it. */
function allOverAt({ history, scheduler, halfSkewMs }: Stage): number {
  let latest = scheduler.now();
  for (const [path, fields] of history.documents) {
    if (path.includes('/sessions/')) latest = Math.max(latest, Number(fields.lease_expires_at));
  }
  return latest + 3 * halfSkewMs + 1;
}
