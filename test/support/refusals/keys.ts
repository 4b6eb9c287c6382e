import { certificatePath, MANIFEST_PATH } from '../../../shared/records/paths.ts';
import type { Case, Cases, Prepare } from './case.ts';

const nothing: Prepare = async () => ({});
const plain: Case = { good: nothing, refusals: {} };
const unknownKey: Prepare = async () => ({ ids: { kid: 'nobody' } });

/** Public keys, and what a function says of itself. */
export const KEY_CASES: Cases = {
  getJwks: plain,
  listKeys: plain,
  getKeyPem: {
    good: async ({ service }) => ({ ids: { kid: (await service.ports.keys.list())[0]?.kid ?? '' } }),
    refusals: { key_not_found: unknownKey },
  },
  getKeyManifest: {
    good: async ({ service: { ports } }) => {
      const fields = { version: 1, token: 'a.b.c', published_at: 1, expires_at: 2, first_published: {} };
      await ports.store.commit([{ op: 'set', path: MANIFEST_PATH, fields }]);
      return {};
    },
    refusals: {
      manifest_not_published: async ({ service: { ports } }) => {
        await ports.store.commit([{ op: 'delete', path: MANIFEST_PATH }]);
        return {};
      },
    },
  },
  getKeyCertificate: {
    good: async ({ service: { ports } }) => {
      const chain = '-----BEGIN CERTIFICATE-----';
      const kid = (await ports.keys.list())[0]?.kid ?? '';
      const fields = { kid, issuer_kid: 'root', chain, issued_at: 1, expires_at: 2 };
      await ports.store.commit([{ op: 'set', path: certificatePath(kid), fields }]);
      return { ids: { kid } };
    },
    refusals: { key_not_found: unknownKey },
  },
  getHealth: plain,
  getInfo: plain,
  getOpenApi: plain,
  getDocs: plain,
  getDocsAsset: {
    good: async () => ({ ids: { name: 'start.js' } }),
    refusals: { not_found: async () => ({ ids: { name: 'nothing.js' } }) },
  },
};
