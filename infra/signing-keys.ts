/** The operator's list of signing keys, as text: from an environment variable, or from a file that may change. */
import { z } from 'zod';
import { ALGORITHM_NAMES } from '../shared/algorithms.ts';
import { registryProblems, sunsetProblem } from '../shared/keys/registry.ts';
import { KEY_STATES } from '../shared/keys/states.ts';

// Strict: a misspelt member would leave a key active or without its pin.
const signingKeyRow = z.strictObject({
  name: z
    .string()
    .regex(
      /^(projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+\/cryptoKeyVersions\/[1-9]\d*|arn:[\w-]+:kms:[\w-]+:\d{12}:(key|alias)\/[\w/-]+)$/,
      {
        error:
          'name must be the full resource name of a crypto key version, or the ARN of an AWS KMS key or alias',
      },
    ),
  algorithm: z.enum(ALGORITHM_NAMES),
  use: z.literal('license').default('license'),
  state: z.enum(KEY_STATES).default('active'),
  sunset_at: z.iso
    .datetime({ offset: true, error: 'must be RFC 3339, such as 2027-01-31T00:00:00Z' })
    .transform((instant) => Date.parse(instant))
    .optional(),
  // 32 bytes in base64url; the last character has two bits that are zero.
  fingerprint: z
    .string()
    .regex(/^[\w-]{42}[AEIMQUYcgkosw048]$/, { error: 'must be a kid: an RFC 7638 SHA-256 thumbprint' })
    .optional(),
});

const signingKey = signingKeyRow
  .superRefine(({ state, sunset_at }, context) => {
    const message = sunsetProblem(state, sunset_at !== undefined);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['sunset_at'], message });
  })
  .transform(({ sunset_at: sunsetAt, ...key }) => ({ ...key, sunsetAt }));

const signingKeys = z
  .array(signingKey)
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

/** @throws Error whose message says where the list is wrong and how, without its content */
export function parseSigningKeys(text: string): SigningKeys {
  const result = SIGNING_KEYS_TEXT.safeParse(text);
  if (result.success) return result.data;
  const [{ path, message } = { path: [], message: 'is wrong' }] = result.error.issues;
  throw new Error(path.length === 0 ? message : `at ${path.join('.')}: ${message}`);
}
