/**
 * Machines that use a licence as programs do: they acquire, heartbeat on time or late or never, release, crash and come
 * back, repeat requests that were not answered, and send what is long out of date.
 */
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import type { AcquireCommand } from '../../shared/usecases/acquire.ts';
import type { Checks } from './checks/index.ts';
import type { LicenseConfiguration, Mix } from './configuration.ts';
import type { Prng } from './random.ts';
import { type Outcome, type Request, sessionAnswer } from './request.ts';
import type { Service } from './service.ts';
import type { Stage } from './stage.ts';
import { acquireWork, heartbeatWork, releaseWork } from './work.ts';

export interface ClientPlace {
  readonly stage: Stage;
  readonly service: Service;
  readonly checks: Checks;
  readonly licenseKey: string;
  readonly license: LicenseConfiguration;
  readonly hardwareId: string;
  /** False once the world winds down. */
  readonly isActive: () => boolean;
}

const MAX_REPEATS = 3;
/** Sessions of the past that a client may still speak of. */
const REMEMBERED = 4;

/** Starts one machine on one licence. */
export function startClient({
  stage,
  service,
  checks,
  licenseKey,
  license,
  hardwareId,
  isActive,
}: ClientPlace): void {
  const random = stage.random.split(`${licenseKey} ${hardwareId}`);
  const where = { license: stage.hash('license', licenseKey), hardware: stage.hash('hardware', hardwareId) };
  const past: string[] = [];
  let current: string | undefined;
  let keys = 0;
  let lastKey: string | undefined;
  /** Sends the last acquire with a key once more, as a program does that was stopped before it read the answer. */
  let acquireAgain: (() => void) | undefined;

  function send<R extends Request>(
    request: R,
    work: (request: R) => Parameters<Service['send']>[2],
    repeats = 0,
  ): void {
    service.send(service.anyInstance(), request, work(request), (outcome) => {
      if (outcome !== undefined) learn(request, outcome);
      const isUnknown = outcome === undefined || outcome.code.endsWith('_unavailable');
      if (!isUnknown || repeats >= MAX_REPEATS || random.chance(0.3)) return;
      // The same request once more: the same key and body, perhaps at another instance.
      stage.scheduler.after(random.between(1, 5000), () =>
        send(service.newRequest(request) as R, work, repeats + 1),
      );
    });
  }

  function learn(request: Request, outcome: Outcome): void {
    const answer = sessionAnswer(request, outcome);
    if (answer !== undefined && request.operation === 'acquire') keep(answer.session_id);
    if (outcome.code === 'session_not_found' || outcome.code === 'session_superseded') {
      if (current === request.sessionId) current = undefined;
    }
  }

  function keep(sessionId: string): void {
    if (current === sessionId) return;
    if (current !== undefined) remember(current);
    current = sessionId;
  }

  function remember(sessionId: string): void {
    past.unshift(sessionId);
    past.length = Math.min(past.length, REMEMBERED);
  }

  /** Mostly a new key or none; sometimes the last one again, with whatever body comes. */
  function drawKey(): string | undefined {
    const kind = random.weighted({ none: 3, fresh: 5, again: 1 });
    if (kind === 'none') return undefined;
    if (kind === 'fresh' || lastKey === undefined) {
      keys += 1;
      lastKey = `${hardwareId}-${keys}`;
    }
    return lastKey;
  }

  function acquire(borrow: boolean): void {
    const command = acquireCommand(random, {
      licenseKey,
      hardwareId,
      license,
      borrow,
      idempotencyKey: drawKey(),
    });
    const request = {
      ...where,
      operation: 'acquire' as const,
      body: JSON.stringify(command.body),
      isBorrow: borrow,
    };
    const { idempotencyKey } = command;
    const sendIt = () =>
      send(service.newRequest({ ...request, idempotencyKey }), () => acquireWork(stage, command));
    if (idempotencyKey !== undefined) acquireAgain = sendIt;
    const times = random.chance(stage.configuration.mix.twoAtOnce) ? 2 : 1;
    for (let i = 0; i < times; i++) sendIt();
  }

  function heartbeat(sessionId: string): void {
    const format = random.pick(['jws', 'inline'] as const);
    const says = random.chance(0.7);
    const command = {
      sessionId,
      licenseKey: says ? licenseKey : undefined,
      hardwareId: says ? hardwareId : undefined,
      format,
      nonce: random.chance(0.5) ? `nonce-${random.uint32()}` : undefined,
      document: says && random.chance(0.3),
    };
    const request = service.newRequest({ ...where, operation: 'heartbeat', sessionId });
    send(request, () => heartbeatWork(stage, command));
  }

  function release(sessionId: string): void {
    if (sessionId === current) {
      remember(sessionId);
      current = undefined;
    }
    checks.letGo(sessionId);
    const body: JsonObject = { session_id: sessionId };
    const idempotencyKey = drawKey();
    const command = { sessionId, licenseKey, hardwareId, idempotencyKey, body };
    const request = {
      ...where,
      operation: 'release' as const,
      sessionId,
      idempotencyKey,
      body: JSON.stringify(body),
    };
    const times = random.chance(stage.configuration.mix.twoAtOnce) ? 2 : 1;
    for (let i = 0; i < times; i++) send(service.newRequest(request), () => releaseWork(command));
  }

  function act(): void {
    if (!isActive()) return;
    const { mix } = stage.configuration;
    if (random.chance(mix.stale * 0.2)) acquireAgain?.();
    const [old] = past.length > 0 ? [random.pick(past)] : [];
    if (old !== undefined && random.chance(mix.stale * 0.3)) {
      if (random.chance(0.7)) heartbeat(old);
      else release(old);
    } else if (current === undefined) acquire(license.borrowMaxSeconds > 0 && random.chance(mix.borrow));
    else use(current, random.weighted(actionsOf(mix)));
    stage.scheduler.after(pauseMs(random, license), act);
  }

  function use(
    sessionId: string,
    action: ReturnType<typeof random.weighted<keyof ReturnType<typeof actionsOf>>>,
  ): void {
    if (action === 'heartbeat') heartbeat(sessionId);
    else if (action === 'release') release(sessionId);
    else if (action === 'forget') {
      remember(sessionId);
      current = undefined;
    } else acquire(action === 'borrow');
  }

  stage.scheduler.after(random.between(0, license.leaseSeconds * 1000), act);
}

function actionsOf({ heartbeat, acquire, release, forget, borrow }: Mix) {
  return { heartbeat, acquire, release, forget, borrow };
}

const CARELESS = { burst: 3, onTime: 6, late: 2, atTheEnd: 1, asleep: 1 };
const ATTENTIVE = { burst: 3, onTime: 20, late: 0, atTheEnd: 1, asleep: 0.2 };

/** Until the next action: in a burst, on time, a little late, or so late that the lease is over. */
function pauseMs(random: Prng, { leaseSeconds, heartbeatSeconds, attentive }: LicenseConfiguration): number {
  const leaseMs = leaseSeconds * 1000;
  switch (random.weighted(attentive ? ATTENTIVE : CARELESS)) {
    case 'burst':
      return random.between(1, 300);
    case 'onTime':
      return heartbeatSeconds * random.between(500, 1000);
    case 'late':
      return heartbeatSeconds * random.between(1000, 2000);
    case 'atTheEnd':
      return leaseMs + random.between(-2000, 2000);
    case 'asleep':
      return leaseMs * random.between(1, 4) + random.between(0, 120_000);
  }
}

interface Wanted {
  readonly licenseKey: string;
  readonly hardwareId: string;
  readonly license: LicenseConfiguration;
  readonly borrow: boolean;
  readonly idempotencyKey: string | undefined;
}

function acquireCommand(random: Prng, wanted: Wanted): AcquireCommand {
  const { licenseKey, hardwareId, license, borrow, idempotencyKey } = wanted;
  const format = random.pick(['jws', 'inline'] as const);
  const nonce = random.chance(0.3) ? `nonce-${random.between(1, 3)}` : undefined;
  const longest = license.borrowMaxSeconds || license.leaseSeconds;
  const borrowSeconds = borrow ? random.between(1, Math.ceil(longest * 1.1)) : undefined;
  const body: JsonObject = {
    license_key: licenseKey,
    hardware_id: hardwareId,
    format,
    ...(nonce !== undefined && { nonce }),
    ...(borrowSeconds !== undefined && { borrow_seconds: borrowSeconds }),
  };
  return { licenseKey, hardwareId, format, nonce, borrowSeconds, idempotencyKey, body };
}
