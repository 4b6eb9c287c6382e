/**
 * Configuration comes from environment variables, all of them listed here and in `docs/configuration.md`; a test
 * holds the two together. A wrong or missing value stops the start with a sentence that names it, never its value.
 */
import { z } from 'zod';
import { ALGORITHM_NAMES } from '../shared/algorithms.ts';
import { DEFAULT_CLOCK_SKEW_SECONDS } from '../shared/constants.ts';
import { SEVERITIES } from './log.ts';

/** The setting is wrong; the message says which and how. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

const PRODUCTION = 'production';

const commaSeparated = z.string().transform((list) =>
  list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
  error: 'each must be an origin such as https://app.example.com, without a path',
});

const signingKey = z.object({
  name: z
    .string()
    .regex(
      /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+\/cryptoKeyVersions\/[1-9]\d*$/,
      {
        error: 'name must be the full resource name of a crypto key version',
      },
    ),
  algorithm: z.enum(ALGORITHM_NAMES),
  use: z.literal('license').default('license'),
  state: z.literal('active').default('active'),
});

/** What the variables mean and what they are when they are not set. */
export const CONFIG_SCHEMA = z.object({
  NODE_ENV: z.string().default('development'),
  ISSUER: z.string().min(1).default('countersign'),
  LOG_LEVEL: z.enum(SEVERITIES).default('INFO'),
  STORE: z.enum(['sqlite'], { error: 'must be sqlite' }).default('sqlite'),
  SQLITE_PATH: z.string().min(1),
  LICENSE_KEY_PEPPER: z.string().min(32, { error: 'must have at least 32 characters' }),
  SIGNING_KEYS_JSON: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' });
        return z.NEVER;
      }
    })
    .pipe(z.array(signingKey).min(1)),
  SIGNING_DEADLINE_MS: z.coerce.number().int().min(100).max(60_000).default(3000),
  KMS_ENDPOINT: z
    .string()
    .regex(/^(127\.0\.0\.1|localhost):\d+$/, {
      error: 'must be 127.0.0.1:PORT; leave it unset for the real KMS',
    })
    .optional(),
  CLOCK_SKEW_SECONDS: z.coerce.number().int().min(0).max(3600).default(DEFAULT_CLOCK_SKEW_SECONDS),
  CORS_ALLOWED_ORIGINS: commaSeparated.pipe(z.array(origin)).prefault(''),
});

export type Config = z.output<typeof CONFIG_SCHEMA>;

/** @throws ConfigError when a variable is missing or wrong, or a development setting is used in production. */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  const known = Object.keys(CONFIG_SCHEMA.shape).map((name) => [name, environment[name] || undefined]);
  const values = Object.fromEntries(known) as Record<string, string | undefined>;
  const result = CONFIG_SCHEMA.safeParse(values);
  if (!result.success)
    throw new ConfigError(result.error.issues.map((issue) => sentence(issue, values)).join('\n'));
  const config = result.data;
  if (config.NODE_ENV === PRODUCTION && config.KMS_ENDPOINT !== undefined) {
    throw new ConfigError(
      'KMS_ENDPOINT points at a local KMS, and NODE_ENV is production. Unset KMS_ENDPOINT.',
    );
  }
  return config;
}

function sentence(
  { path, message }: z.core.$ZodIssue,
  values: Readonly<Record<string, string | undefined>>,
): string {
  const [name, ...inside] = path.map(String);
  if (name === undefined || values[name] === undefined) {
    return `${name} is not set. docs/configuration.md says what it is for.`;
  }
  return `${name}${inside.length === 0 ? '' : ` (at ${inside.join('.')})`} is wrong: ${message}.`;
}
