/** Operators: they suspend, reinstate and revoke licences, change their terms, and sweep, and repeat what failed. */
import { EXPIRY_STRATEGY_NAMES } from '../../shared/expiry-strategies.ts';
import type { OperatorAction } from './configuration.ts';
import type { Prng } from './random.ts';
import type { Request } from './request.ts';
import type { Service } from './service.ts';
import type { Stage } from './stage.ts';
import { operatorWork } from './work.ts';

export interface OperatorPlace {
  readonly stage: Stage;
  readonly service: Service;
  /** Hashes of the licences. */
  readonly licenses: readonly string[];
  readonly isActive: () => boolean;
}

export function startOperators({ stage, service, licenses, isActive }: OperatorPlace): void {
  const random = stage.random.split('operators');
  const { operators, operatorPauseMs, machines } = stage.configuration;

  function send(request: Request): void {
    service.send(service.anyInstance(), request, operatorWork(stage, request), (outcome) => {
      const isUnknown = outcome === undefined || outcome.code === 'store_unavailable';
      if (isUnknown && random.chance(0.7)) {
        stage.scheduler.after(random.between(1, 5000), () => send(service.newRequest(request)));
      }
    });
  }

  function act(): void {
    if (!isActive()) return;
    for (const wanted of requestsFor(random.weighted(operators), random, licenses, machines)) {
      send(service.newRequest({ hardware: undefined, ...wanted }));
    }
    stage.scheduler.after(random.between(1, 2 * operatorPauseMs), act);
  }

  stage.scheduler.after(random.between(1, 2 * operatorPauseMs), act);
}

type Wanted = Pick<Request, 'operation' | 'license' | 'seats' | 'expiryStrategy'>;

function requestsFor(
  action: OperatorAction,
  random: Prng,
  licenses: readonly string[],
  machines: number,
): Wanted[] {
  const license = random.pick(licenses);
  const sweep: Wanted = { operation: 'sweep', license: undefined };
  switch (action) {
    case 'sweep':
      return [sweep];
    case 'twoSweeps':
      return [sweep, sweep];
    case 'changeSeats':
      return [{ operation: 'changeSeats', license, ...drawSeats(random, machines) }];
    case 'changeStrategy':
      return [{ operation: 'changeStrategy', license, expiryStrategy: random.pick(EXPIRY_STRATEGY_NAMES) }];
    default:
      return [{ operation: action, license }];
  }
}

/** Around the number of machines, and now and then far from it. */
function drawSeats(random: Prng, machines: number): { seats?: number } {
  const size = random.weighted({ few: 6, many: 2, unlimited: 1 });
  if (size === 'unlimited') return {};
  return { seats: size === 'many' ? random.between(1, 100) : random.between(1, Math.max(2, machines >> 1)) };
}
