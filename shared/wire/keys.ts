/** Answers of the public-key endpoints. */
import { z } from 'zod';

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
  })
  .meta({ id: 'PublicJwk', description: 'RFC 7517, RFC 8037.' });

export const jwksResponse = z.object({ keys: z.array(jwk) }).meta({ id: 'JwksResponse' });

export const publicKey = z
  .object({
    kid: z.string().meta({ description: 'RFC 7638 thumbprint of the public key.' }),
    algorithm: z.string().meta({ description: 'The KMS name, as in `signature_algorithm`.' }),
    state: z.string(),
    pem_url: z.string().meta({ description: 'Path of the key in PEM.' }),
  })
  .meta({ id: 'PublicKey' });

export const keysResponse = z.object({ keys: z.array(publicKey) }).meta({ id: 'KeysResponse' });
