/** Serves the key manifest as it was published. The function holds no root key and cannot make one. */

import { PUBLIC_KEY_MAX_AGE_SECONDS } from '../../shared/constants.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { manifestRecord } from '../../shared/records/manifest.ts';
import { MANIFEST_PATH } from '../../shared/records/paths.ts';
import { readRecord } from '../../shared/usecases/read.ts';
import { type Endpoint, get } from '../http/endpoint.ts';

const MEDIA_TYPE = 'application/jwt';

export function manifestEndpoints(store: DocumentStore): Endpoint[] {
  return [
    get({
      operationId: 'getKeyManifest',
      path: '/.well-known/license-keys',
      summary: 'Licence keys and their states, signed by the root key',
      description:
        'A JWS of type `license-keys+jwt`. Clients pin the root key and refuse a version lower than one they have seen.',
      tag: 'keys',
      mediaType: MEDIA_TYPE,
      errors: ['manifest_not_published', 'store_unavailable'],
      handle: async () => {
        const [snapshot] = await store.get([MANIFEST_PATH]);
        const published = readRecord(manifestRecord, snapshot)?.record;
        if (published === undefined)
          throw new CountersignError(
            'manifest_not_published',
            'The operator has published no key manifest yet.',
          );
        const cache = `public, max-age=${PUBLIC_KEY_MAX_AGE_SECONDS}`;
        return { body: published.token, headers: { 'cache-control': cache, 'content-type': MEDIA_TYPE } };
      },
    }),
  ];
}
