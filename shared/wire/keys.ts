/** Answers of the public-key endpoints. */
import { z } from 'zod';
import { sunsetProblem } from '../keys/registry.ts';
import { KEY_STATES } from '../keys/states.ts';

const state = z.enum(KEY_STATES);
const sunsetAt = z.iso
  .datetime({ offset: true })
  .meta({ description: 'RFC 3339. A retiring key verifies documents before this instant.' });

/** The members of a JWK that say how long it verifies. */
export const keyLifecycle = z
  .object({ state: state.default('active'), sunset_at: sunsetAt.nullish() })
  .refine((key) => sunsetProblem(key.state, typeof key.sunset_at === 'string') === undefined);

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
  })
  .meta({ id: 'PublicJwk', description: 'RFC 7517, RFC 8037; `state` and `sunset_at` are ours.' });

export const jwksResponse = z.object({ keys: z.array(jwk) }).meta({ id: 'JwksResponse' });

export const publicKey = z
  .object({
    kid: z.string().meta({ description: 'RFC 7638 thumbprint of the public key.' }),
    algorithm: z.string().meta({ description: 'The KMS name, as in `signature_algorithm`.' }),
    state,
    sunset_at: sunsetAt.nullable(),
    pem_url: z
      .string()
      .nullable()
      .meta({ description: 'Path of the key in PEM; null for a retired or compromised key.' }),
  })
  .meta({ id: 'PublicKey' });

export const keysResponse = z.object({ keys: z.array(publicKey) }).meta({ id: 'KeysResponse' });
