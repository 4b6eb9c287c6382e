/** The use cases, as requests run them. */
import { type Edit, edit } from '../../shared/decide/license-change.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { type AcquireCommand, acquire } from '../../shared/usecases/acquire.ts';
import {
  changeSeats,
  fieldsOf,
  reinstateLicense,
  revokeLicense,
  suspendLicense,
} from '../../shared/usecases/change-license.ts';
import { type HeartbeatCommand, heartbeat } from '../../shared/usecases/heartbeat.ts';
import { type ReleaseCommand, release } from '../../shared/usecases/release.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import { sweep } from '../../shared/usecases/sweep.ts';
import { updateLicense } from '../../shared/usecases/update-license.ts';
import type { Request } from './request.ts';
import type { Work } from './service.ts';
import type { Stage } from './stage.ts';

const settingsOf = ({ configuration: { clockSkewSeconds } }: Stage): Settings => ({
  issuer: 'https://licensing.example',
  clockSkewSeconds,
});

export const acquireWork =
  (stage: Stage, command: AcquireCommand): Work =>
  async (ports) => {
    const { answer, replayed } = await acquire(ports, settingsOf(stage), command);
    return { code: 'ok', answer, replayed };
  };

export const heartbeatWork =
  (stage: Stage, command: HeartbeatCommand): Work =>
  async (ports) => ({
    code: 'ok',
    answer: await heartbeat(ports, settingsOf(stage), command),
    replayed: false,
  });

export const releaseWork =
  (command: ReleaseCommand): Work =>
  async (ports) => ({ code: 'ok', answer: await release(ports, command), replayed: false });

/** What an operator asks for. */
export const operatorWork =
  (stage: Stage, request: Request): Work =>
  async (ports) => {
    await operate(ports, settingsOf(stage), request);
    return { code: 'ok', answer: undefined, replayed: false };
  };

function operate(
  ports: Ports,
  settings: Settings,
  { operation, license = '', seats, expiryStrategy = 'restrict' }: Request,
): Promise<unknown> {
  switch (operation) {
    case 'suspend':
      return suspendLicense(ports, license);
    case 'reinstate':
      return reinstateLicense(ports, license);
    case 'revoke':
      return revokeLicense(ports, license);
    case 'changeSeats':
      return changeSeats(ports, settings, license, seats ?? null);
    case 'changeStrategy':
      return change(ports, license, { expiry_strategy: expiryStrategy });
    case 'sweep':
      return sweep(ports, settings);
    default:
      throw new TypeError(`${operation} is not for operators`);
  }
}

function change(ports: Ports, license: string, wanted: Edit): Promise<unknown> {
  return updateLicense(ports, license, (current, now) => fieldsOf(edit(current, wanted, now)));
}
