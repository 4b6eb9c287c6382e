import { caioV2 } from '../../../shared/formats/caio-v2.ts';
import { licensePath } from '../../../shared/records/paths.ts';
import { addCaio, caioCallsOn } from '../caio-calls.ts';
import { caioPayload, caioV1Of, seal } from '../issued-licenses.ts';
import type { Case, Cases, Prepare } from './case.ts';
import type { Ready } from './ready.ts';

const ofInstance = (text: string, id: string) => ({
  headers: { 'x-caio-instance-id': id },
  body: { license_key: text },
});

/** Of a customer of its own: two texts that say the same are one licence. */
const newCaio = (service: Ready['service'], fresh: Ready['fresh']) =>
  addCaio(service, { customer_id: fresh('customer'), max_instances: 1 });

const good: Prepare = async ({ service, fresh }) => {
  const { text } = await newCaio(service, fresh);
  return ofInstance(text, fresh('node'));
};

const stored =
  (fields: Parameters<Ready['service']['updateLicense']>[1]): Prepare =>
  async ({ service, fresh }) => {
    const { text, licenseKey } = await newCaio(service, fresh);
    await service.updateLicense(licenseKey, fields);
    return ofInstance(text, fresh('node'));
  };

const STRANGE = {
  license_not_accepted: async ({ fresh }) => ofInstance(seal(caioV2, caioPayload()), fresh('node')),
} satisfies Case['refusals'];

const UNKNOWN: Case['refusals'] = {
  ...STRANGE,
  // Ours by its signature, and on record no more.
  license_not_found: async ({ service, fresh }) => {
    const { text, hash } = await newCaio(service, fresh);
    const { store } = service.ports;
    const documents = await store.query({ collection: `${licensePath(hash)}/documents` });
    await store.commit(
      [...documents, { path: licensePath(hash) }].map(({ path }) => ({ op: 'delete', path })),
    );
    return ofInstance(text, fresh('node'));
  },
};

/** A licence of old, on an instance whose time for those is over. */
const SUNSET: Case['refusals'] = {
  legacy_sunset: async ({ fresh }) => ({
    ...ofInstance(caioV1Of('{"customer_id":"acme-de-2"}'), fresh('node')),
    at: 'modern',
  }),
};

const REFUSALS: Case['refusals'] = {
  ...UNKNOWN,
  ...SUNSET,
  license_transferred: stored({ customer_id: 'other', customer: { id: 'other', name: 'Other' } }),
  license_expired: stored({ expires_at: 1 }),
  license_revoked: stored({ status: 'revoked' }),
  license_suspended: stored({ status: 'suspended' }),
};

/** An instance that is activated, and its licence. */
async function activated({ service, fresh }: Ready) {
  const caio = await newCaio(service, fresh);
  const id = fresh('node');
  const { status, body } = await caioCallsOn(() => service.baseUrl).call('activate', caio.text, id);
  if (status !== 200) throw new Error(`not activated: ${JSON.stringify(body)}`);
  return { ...caio, id, instance: service.ports.hasher.hash('instance', id) };
}

export const CAIO_CASES: Cases = {
  activateInstance: {
    good,
    refusals: {
      ...REFUSALS,
      // The request of an activation that has been ended since.
      activation_not_found: async (ready) => {
        const { service, fresh } = ready;
        const { text } = await newCaio(service, fresh);
        const { headers, body } = ofInstance(text, fresh('node'));
        const keyed = { ...headers, 'idempotency-key': fresh('key') };
        await service.post('/api/v1/licensing/activate', body, keyed);
        await service.post('/api/v1/licensing/deactivate', body, headers);
        return { headers: keyed, body };
      },
      activations_exhausted: async (ready) => {
        const { text } = await activated(ready);
        return ofInstance(text, ready.fresh('late'));
      },
    },
  },
  validateInstance: { good, refusals: {} },
  renewInstance: { good, refusals: REFUSALS },
  deactivateInstance: {
    good: async (ready) => {
      const { text, id } = await activated(ready);
      return ofInstance(text, id);
    },
    refusals: { ...STRANGE, ...SUNSET },
  },
  instanceStatus: {
    good: async (ready) => ({ headers: { 'x-caio-instance-id': (await activated(ready)).id } }),
    refusals: {
      activation_not_found: async ({ fresh }) => ({ headers: { 'x-caio-instance-id': fresh('nobody') } }),
    },
  },
  endActivation: {
    good: async (ready) => {
      const { licenseId, instance } = await activated(ready);
      return { ids: { id: licenseId, instance } };
    },
    refusals: {
      license_not_found: async ({ fresh }) => ({ ids: { id: fresh('no'), instance: '0'.repeat(32) } }),
      activation_not_found: async ({ license }) => ({
        ids: { id: (await license()).id, instance: '0'.repeat(32) },
      }),
    },
  },
};
