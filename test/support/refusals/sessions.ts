import type { NewLicense } from '../../../shared/usecases/create-license.ts';
import type { Case, Cases, Prepare } from './case.ts';
import type { Ready, Session } from './ready.ts';

const BORROWING = { policy: { borrow_max_seconds: 600 } };

/** A machine asks for a seat of a new licence, and for a loan of it where a term is named. */
async function claim({ service, fresh }: Ready, wanted: Partial<NewLicense> = {}, more: object = {}) {
  const license_key = await service.addLicense({ ...BORROWING, ...wanted });
  return { body: { license_key, hardware_id: fresh('machine'), nonce: 'n', ...more } };
}

const stored =
  (fields: Parameters<Ready['service']['updateLicense']>[1], more: object): Prepare =>
  async (ready) => {
    const shot = await claim(ready, {}, more);
    await ready.service.updateLicense(shot.body.license_key, fields);
    return shot;
  };

/** Of acquire, and of borrow with its term. */
function grantCase(more: object, refusals: Case['refusals'] = {}): Case {
  return {
    good: (ready) => claim(ready, {}, more),
    refusals: {
      license_not_found: async ({ fresh }) => ({
        body: { license_key: fresh('no-key'), hardware_id: 'machine', ...more },
      }),
      license_expired: stored({ expires_at: 1 }, more),
      license_revoked: stored({ status: 'revoked' }, more),
      license_suspended: stored({ status: 'suspended' }, more),
      hardware_not_allowed: stored({ allowed_hardware: ['another'] }, more),
      seats_exhausted: async ({ session, fresh }) => {
        const { licenseKey } = await session({ seats: 1, ...BORROWING });
        return { body: { license_key: licenseKey, hardware_id: fresh('late'), ...more } };
      },
      ...refusals,
    },
  };
}

/** Seconds: the lease, the skew that is allowed for, and a little. */
const AFTER_THE_LEASE = 400;

type Told = (session: Session) => object;

/** A fresh document is asked for, so that the KMS has a part in it. */
const asked: Told = ({ sessionId, licenseKey, machine }) => ({
  session_id: sessionId,
  license_key: licenseKey,
  hardware_id: machine,
  document: true,
});
const given: Told = ({ sessionId }) => ({ session_id: sessionId });

/** What heartbeat and release have in common. */
function sessionRefusals(told: Told): Case['refusals'] {
  return {
    session_not_found: async ({ session }) => {
      const held = await session();
      const sessionId = held.sessionId.replace(/.{64}$/, '0'.repeat(64));
      return { body: given({ ...held, sessionId }) };
    },
    session_superseded: async ({ session, service }) => {
      const old = await session();
      service.advance(AFTER_THE_LEASE);
      const again = { license_key: old.licenseKey, hardware_id: old.machine };
      await service.post('/api/v1/licenses/acquire', again);
      return { body: told(old) };
    },
    hardware_mismatch: async ({ session }) => {
      const { sessionId } = await session();
      return { body: { session_id: sessionId, hardware_id: 'another-machine' } };
    },
  };
}

const afterwards =
  (fields: Parameters<Ready['service']['updateLicense']>[1]): Prepare =>
  async ({ service, session }) => {
    const held = await session();
    await service.updateLicense(held.licenseKey, fields);
    return { body: asked(held) };
  };

export const SESSION_CASES: Cases = {
  acquire: grantCase({}),
  borrow: grantCase(
    { borrow_seconds: 600 },
    {
      borrow_not_allowed: (ready) => claim(ready, { policy: {} }, { borrow_seconds: 600 }),
      borrow_too_long: (ready) => claim(ready, {}, { borrow_seconds: 601 }),
    },
  ),
  heartbeat: {
    good: async ({ session }) => ({ body: asked(await session()) }),
    refusals: {
      ...sessionRefusals(asked),
      license_expired: afterwards({ expires_at: 1 }),
      license_revoked: afterwards({ status: 'revoked' }),
      license_suspended: afterwards({ status: 'suspended' }),
      hardware_not_allowed: afterwards({ allowed_hardware: ['another'] }),
    },
  },
  release: {
    good: async ({ session }) => ({ body: given(await session()) }),
    refusals: sessionRefusals(given),
  },
  validate: {
    good: async ({ license }) => ({ body: { token: (await license()).token, product: 'sale_forecast' } }),
    refusals: {},
  },
  fingerprint: {
    good: async () => ({ body: { db_uuid: 'uuid', domain: 'erp.example' } }),
    refusals: {},
  },
  sweep: { good: async () => ({ body: {} }), refusals: {} },
};
