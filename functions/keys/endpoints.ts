/** Public keys, for whoever verifies documents. This function can sign nothing. */
import { ALGORITHMS } from '../../shared/algorithms.ts';
import { PUBLIC_KEY_MAX_AGE_SECONDS } from '../../shared/constants.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { KeyDirectory, PublicKeyRecord } from '../../shared/ports/key-directory.ts';
import { jwksResponse, keysResponse } from '../../shared/wire/keys.ts';
import { type Endpoint, get } from '../http/endpoint.ts';

const CACHEABLE = { 'cache-control': `public, max-age=${PUBLIC_KEY_MAX_AGE_SECONDS}` };

export function keyEndpoints(keys: KeyDirectory): Endpoint[] {
  return [
    get({
      operationId: 'getJwks',
      path: '/.well-known/jwks.json',
      summary: 'Public keys as a JWK set',
      tag: 'keys',
      response: jwksResponse,
      errors: ['signing_unavailable'],
      handle: async () => ({ body: { keys: (await keys.list()).map(toJwk) }, headers: CACHEABLE }),
    }),
    get({
      operationId: 'listKeys',
      path: '/api/v1/keys',
      summary: 'Public keys and their states',
      tag: 'keys',
      response: keysResponse,
      errors: ['signing_unavailable'],
      handle: async () => ({ body: { keys: (await keys.list()).map(describe) }, headers: CACHEABLE }),
    }),
    get({
      operationId: 'getKeyPem',
      path: '/api/v1/keys/{kid}.pem',
      summary: 'One public key in PEM',
      tag: 'keys',
      mediaType: 'application/x-pem-file',
      errors: ['key_not_found', 'signing_unavailable'],
      handle: async ({ params }) => {
        const key = await keys.find((params.kid ?? '').replace(/\.pem$/, ''));
        if (key === undefined)
          throw new CountersignError('key_not_found', 'No key has this kid. See /api/v1/keys.');
        return { body: key.pem, headers: { ...CACHEABLE, 'content-type': 'application/x-pem-file' } };
      },
    }),
  ];
}

function toJwk({ kid, algorithm, jwk }: PublicKeyRecord) {
  return { ...jwk, kid, alg: ALGORITHMS[algorithm].jose, use: 'sig' };
}

function describe({ kid, algorithm, state }: PublicKeyRecord) {
  return { kid, algorithm, state, pem_url: `/api/v1/keys/${kid}.pem` };
}
