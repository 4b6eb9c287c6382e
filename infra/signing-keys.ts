/**
 * The operator's list of keys, as text: from an environment variable, or from a file that may change. A row is a key in a
 * KMS, or with `"use": "verify"` a public key of another system, or with `"use": "mac"` the key of `CAIO-v1` licences.
 */
import { z } from 'zod';
import { ALGORITHM_NAMES, ALGORITHMS, type Algorithm, type AlgorithmName } from '../shared/algorithms.ts';
import { parseStrictJson } from '../shared/canonical/strict-json.ts';
import { CountersignError } from '../shared/errors.ts';
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
import { kidsOf } from './kms/kids.ts';
import { jwkFromPem, publicKeyFromPem, spkiFromPem, thumbprint } from './kms/public-key.ts';

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

/** It is published: what is kept is the key written anew, and nothing of what was around it. */
const publicKeyPem = z.string().transform((text, context) => {
  try {
    return spkiFromPem(text);
  } catch {
    context.addIssue({ code: 'custom', message: noPublicKey(text) });
    return z.NEVER;
  }
});

// Strict: a misspelt member would leave a key active or without its pin.
const signingKey = z
  .strictObject({
    name,
    algorithm,
    use: z.enum(SIGNING_USES),
    state: z.enum(KEY_STATES).default('active'),
    sunset_at: instant.optional(),
    fingerprint: fingerprint.optional(),
    pem: publicKeyPem.optional(),
  })
  .superRefine((key, context) => {
    checkSunset(key, context);
    const message = key.pem === undefined ? undefined : pinProblem(key.name, key.pem, key);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['pem'], message });
  });

const foreignKey = z
  .strictObject({
    use: z.literal('verify'),
    pem: publicKeyPem,
    algorithm,
    issuer: z.string().min(1),
    kid: z.string().min(1).optional(),
    state: z.enum(['retiring', 'retired', 'compromised']).default('retiring'),
    sunset_at: instant.optional(),
  })
  .superRefine((key, context) => {
    checkSunset(key, context);
    const message = misfit(key.pem, key.algorithm);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['pem'], message });
  });

const macKey = z.strictObject({
  use: z.literal('mac'),
  name,
  algorithm: z.literal(MAC_ALGORITHM),
  sunset_at: instant,
});

const ROWS = {
  license: signingKey,
  root: signingKey,
  download: signingKey,
  verify: foreignKey,
  mac: macKey,
} as const satisfies Record<RegisteredKey['use'], z.ZodType>;

const signingKeys = z
  .array(z.unknown().transform(parseRow))
  .min(1)
  .superRefine((keys, context) => {
    for (const message of registryProblems(keys, kidsOf)) context.addIssue({ code: 'custom', message });
  });

/** Some hundred keys with their PEM. */
const MAX_BYTES = 1_048_576;

export const SIGNING_KEYS_TEXT = z
  .string()
  .transform((text, context): unknown => {
    try {
      // Strictly: of two states of one key, one would be lost.
      return parseStrictJson(text, { maxBytes: MAX_BYTES });
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      context.addIssue({
        code: 'custom',
        message: `cannot be read as JSON: ${error.message.replace(/\.$/, '')}`,
      });
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
  if (!isUse(use)) {
    const message = `must be one of ${Object.keys(ROWS).join(', ')}`;
    context.addIssue({ code: 'custom', path: ['use'], message });
    return z.NEVER;
  }
  const result = ROWS[use].safeParse(typeof row === 'object' && row !== null ? { ...row, use } : row);
  if (!result.success) {
    for (const { path, message } of result.error.issues) context.addIssue({ code: 'custom', path, message });
    return z.NEVER;
  }
  const { sunset_at: sunsetAt, ...key } = result.data;
  return { ...key, sunsetAt } as RegisteredKey;
}

function isUse(use: unknown): use is RegisteredKey['use'] {
  return typeof use === 'string' && Object.hasOwn(ROWS, use);
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
  const problem = misfit(pem, is);
  if (problem !== undefined || kid === undefined) return problem;
  return thumbprint(jwkFromPem(pem)) === kid ? undefined : 'is not the key of the fingerprint';
}

const NODE_TYPES = { RSA: 'rsa', OKP: 'ed25519' } as const satisfies Record<Algorithm['keyType'], string>;

/** Why this is no key of the algorithm, or undefined. */
function misfit(pem: string, name: AlgorithmName): string | undefined {
  const { keyType, signatureBytes } = ALGORITHMS[name];
  const { asymmetricKeyType, asymmetricKeyDetails = {} } = publicKeyFromPem(pem);
  if (asymmetricKeyType !== NODE_TYPES[keyType]) return 'is a key for another algorithm';
  // An RSA signature is as long as the modulus: RFC 8017 §8.2.1.
  const { modulusLength: bits = signatureBytes * 8 } = asymmetricKeyDetails;
  return bits === signatureBytes * 8
    ? undefined
    : `is an RSA key of ${bits} bits, and ${name} takes ${signatureBytes * 8}`;
}

/** Without the text: it may be a secret. */
function noPublicKey(text: string): string {
  return /PRIVATE KEY/.test(text)
    ? 'holds a private key, which must not be in the list; give the public key alone'
    : 'must be one public key in PEM, and nothing else';
}
