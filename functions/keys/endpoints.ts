/** Public keys, for whoever verifies documents. This function can sign nothing. */
import { ALGORITHMS } from '../../shared/algorithms.ts';
import { PUBLIC_KEY_MAX_AGE_SECONDS } from '../../shared/constants.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { KeyDirectory, KeyRecord } from '../../shared/ports/key-directory.ts';
import { formatInstant } from '../../shared/wire/document.ts';
import { PUBLIC_KEY_PEM } from '../../shared/wire/examples/values.ts';
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
      access: 'public',
      response: jwksResponse,
      errors: ['signing_unavailable'],
      handle: async () => ({ body: { keys: (await keys.list()).flatMap(toJwk) }, headers: CACHEABLE }),
    }),
    get({
      operationId: 'listKeys',
      path: '/api/v1/keys',
      summary: 'Public keys and their states',
      tag: 'keys',
      access: 'public',
      response: keysResponse,
      errors: ['signing_unavailable'],
      handle: async () => ({ body: { keys: (await keys.list()).map(describe) }, headers: CACHEABLE }),
    }),
    get({
      operationId: 'getKeyPem',
      path: '/api/v1/keys/{kid}.pem',
      summary: 'One public key in PEM',
      tag: 'keys',
      access: 'public',
      mediaType: 'application/x-pem-file',
      example: PUBLIC_KEY_PEM,
      errors: ['key_not_found', 'signing_unavailable'],
      handle: async ({ params }) => {
        const key = await keys.find((params.kid ?? '').replace(/\.pem$/, ''));
        if (key?.pem === undefined)
          throw new CountersignError('key_not_found', 'No published key has this kid. See /api/v1/keys.');
        return { body: key.pem, headers: { ...CACHEABLE, 'content-type': 'application/x-pem-file' } };
      },
    }),
  ];
}

/** Nothing for a key that verifies nothing any more. */
function toJwk({ kid, algorithm, jwk, state, sunsetAt, issuer }: KeyRecord) {
  if (jwk === undefined) return [];
  const sunset = sunsetAt === undefined ? {} : { sunset_at: formatInstant(sunsetAt) };
  const own = issuer === undefined ? {} : { issuer };
  return [{ ...jwk, kid, alg: ALGORITHMS[algorithm].jose, use: 'sig', state, ...sunset, ...own }];
}

function describe({ kid, algorithm, state, sunsetAt, issuer, pem }: KeyRecord) {
  return {
    kid,
    algorithm,
    state,
    sunset_at: sunsetAt === undefined ? null : formatInstant(sunsetAt),
    issuer: issuer ?? null,
    pem_url: pem === undefined ? null : `/api/v1/keys/${kid}.pem`,
  };
}
