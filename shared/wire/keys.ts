/** Answers of the public-key endpoints. */
import { z } from 'zod';
import { sunsetProblem } from '../keys/registry.ts';
import { KEY_STATES } from '../keys/states.ts';
import { JWKS, KEYS } from './examples/service.ts';

const state = z.enum(KEY_STATES);
const sunsetAt = z.iso
  .datetime({ offset: true })
  .meta({ description: 'RFC 3339. A retiring key verifies documents before this instant.' });

/** The members of a JWK that say how long it verifies, and for whom. */
export const keyLifecycle = z
  .object({
    state: state.default('active'),
    sunset_at: sunsetAt.nullish(),
    issuer: z.string().min(1).nullish(),
  })
  .refine((key) => sunsetProblem(key.state, typeof key.sunset_at === 'string') === undefined);

const issuer = z.string().meta({
  description: 'Of a key of another system: it vouches for licences of this issuer and for nothing else.',
});

const jwk = z
  .object({
    kty: z.string(),
    kid: z.string(),
    alg: z.string(),
    use: z.literal('sig'),
    n: z.string().optional(),
    e: z.string().optional(),
    crv: z.string().optional(),
    x: z.string().optional(),
    state: z.enum(['staged', 'active', 'retiring']),
    sunset_at: sunsetAt.optional(),
    issuer: issuer.optional(),
  })
  .meta({ id: 'PublicJwk', description: 'RFC 7517, RFC 8037; `state`, `sunset_at` and `issuer` are ours.' });

export const jwksResponse = z.object({ keys: z.array(jwk) }).meta({ id: 'JwksResponse', example: JWKS });

export const publicKey = z
  .object({
    kid: z.string().meta({ description: 'RFC 7638 thumbprint of the public key.' }),
    algorithm: z.string().meta({ description: 'The KMS name, as in `signature_algorithm`.' }),
    state,
    sunset_at: sunsetAt
      .nullable()
      .meta({ description: 'A retiring key verifies documents before this instant; else null.' }),
    issuer: issuer.nullable().meta({
      description: 'Of a key of another system, the only issuer whose licences it vouches for; null of ours.',
    }),
    pem_url: z
      .string()
      .nullable()
      .meta({ description: 'Path of the key in PEM; null for a retired or compromised key.' }),
  })
  .meta({ id: 'PublicKey' });

export const keysResponse = z
  .object({ keys: z.array(publicKey) })
  .meta({ id: 'KeysResponse', example: KEYS });
