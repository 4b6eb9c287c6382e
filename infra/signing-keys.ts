/**
 * The operator's list of keys, as text: from an environment variable, or from a file that may change. A row is a key in a
 * KMS, or with `"use": "verify"` a public key of another system, or with `"use": "mac"` the key of `CAIO-v1` licences.
 */
import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { ALGORITHM_NAMES, ALGORITHMS, type AlgorithmName } from '../shared/algorithms.ts';
import {
  developmentKeys,
  isAlias,
  MAC_ALGORITHM,
  type RegisteredKey,
  registryProblems,
  SIGNING_USES,
  sunsetProblem,
} from '../shared/keys/registry.ts';
import { KEY_STATES, type KeyState } from '../shared/keys/states.ts';
import { jwkFromPem, thumbprint } from './kms/public-key.ts';

const name = z
  .string()
  .regex(
    /^(projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+\/cryptoKeyVersions\/[1-9]\d*|arn:[\w-]+:kms:[\w-]+:\d{12}:(key|alias)\/[\w/-]+)$/,
    {
      error:
        'name must be the full resource name of a crypto key version, or the ARN of an AWS KMS key or alias',
    },
  );

const algorithm = z.enum(ALGORITHM_NAMES);

const instant = z.iso
  .datetime({ offset: true, error: 'must be RFC 3339, such as 2027-01-31T00:00:00Z' })
  .transform((text) => Date.parse(text));

// 32 bytes in base64url; the last character has two bits that are zero.
const fingerprint = z
  .string()
  .regex(/^[\w-]{42}[AEIMQUYcgkosw048]$/, { error: 'must be a kid: an RFC 7638 SHA-256 thumbprint' });

// Strict: a misspelt member would leave a key active or without its pin.
const signingKey = z
  .strictObject({
    name,
    algorithm,
    use: z.enum(SIGNING_USES),
    state: z.enum(KEY_STATES).default('active'),
    sunset_at: instant.optional(),
    fingerprint: fingerprint.optional(),
    pem: z.string().optional(),
  })
  .superRefine((key, context) => {
    checkSunset(key, context);
    const message = key.pem === undefined ? undefined : pinProblem(key.name, key.pem, key);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['pem'], message });
  });

const foreignKey = z
  .strictObject({
    use: z.literal('verify'),
    pem: z.string(),
    algorithm,
    issuer: z.string().min(1),
    kid: z.string().min(1).optional(),
    state: z.enum(['retiring', 'retired', 'compromised']).default('retiring'),
    sunset_at: instant.optional(),
  })
  .superRefine((key, context) => {
    checkSunset(key, context);
    const message = pemProblem(key.pem, ALGORITHMS[key.algorithm].keyType);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['pem'], message });
  });

const macKey = z.strictObject({
  use: z.literal('mac'),
  name,
  algorithm: z.literal(MAC_ALGORITHM),
  sunset_at: instant,
});

const ROWS = { verify: foreignKey, mac: macKey } as const;

const signingKeys = z
  .array(z.unknown().transform(parseRow))
  .min(1)
  .superRefine((keys, context) => {
    for (const message of registryProblems(keys)) context.addIssue({ code: 'custom', message });
  });

export const SIGNING_KEYS_TEXT = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(signingKeys);

export type SigningKeys = z.output<typeof SIGNING_KEYS_TEXT>;

/**
 * @param isProduction refuses keys of a local KMS.
 * @throws Error whose message says where the list is wrong and how, without its content
 */
export function parseSigningKeys(text: string, { isProduction = false } = {}): SigningKeys {
  const result = SIGNING_KEYS_TEXT.safeParse(text);
  if (!result.success) {
    const [{ path, message } = { path: [], message: 'is wrong' }] = result.error.issues;
    throw new Error(path.length === 0 ? message : `at ${path.join('.')}: ${message}`);
  }
  const [problem] = isProduction ? developmentKeys(result.data) : [];
  if (problem !== undefined) throw new Error(problem);
  return result.data;
}

/** The schema of a row depends on its `use`, and what is wrong is said by that schema alone. */
function parseRow(row: unknown, context: z.RefinementCtx<unknown>): RegisteredKey {
  const { use = 'license' } = (row ?? {}) as { readonly use?: unknown };
  const isSpecial = typeof use === 'string' && Object.hasOwn(ROWS, use);
  const schema = isSpecial ? ROWS[use as keyof typeof ROWS] : signingKey;
  const result = schema.safeParse(typeof row === 'object' && row !== null ? { ...row, use } : row);
  if (!result.success) {
    for (const { path, message } of result.error.issues) context.addIssue({ code: 'custom', path, message });
    return z.NEVER;
  }
  const { sunset_at: sunsetAt, ...key } = result.data;
  return { ...key, sunsetAt } as RegisteredKey;
}

function checkSunset(
  { state, sunset_at }: { readonly state: KeyState; readonly sunset_at?: number | undefined },
  context: z.RefinementCtx<unknown>,
): void {
  const message = sunsetProblem(state, sunset_at !== undefined);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['sunset_at'], message });
}

function pinProblem(
  name: string,
  pem: string,
  { algorithm: is, fingerprint: kid }: { algorithm: AlgorithmName; fingerprint?: string | undefined },
): string | undefined {
  if (isAlias(name)) return 'cannot be that of an alias, which may be moved to another key';
  const problem = pemProblem(pem, ALGORITHMS[is].keyType);
  if (problem !== undefined || kid === undefined) return problem;
  return thumbprint(jwkFromPem(pem)) === kid ? undefined : 'is not the key of the fingerprint';
}

function pemProblem(pem: string, keyType: 'RSA' | 'OKP'): string | undefined {
  try {
    const { kty } = createPublicKey(pem).export({ format: 'jwk' });
    return kty === keyType ? undefined : 'is a key for another algorithm';
  } catch {
    return 'must be a public key in PEM';
  }
}
