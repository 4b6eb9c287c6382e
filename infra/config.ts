/**
 * Configuration comes from environment variables, all of them listed here and in `docs/configuration.md`; a test
 * holds the two together. A wrong or missing value stops the start with a sentence that names it, never its value.
 */
import { z } from 'zod';
import { DEFAULT_CLOCK_SKEW_SECONDS, DEFAULT_SWEEP_INTERVAL_SECONDS } from '../shared/constants.ts';
import { developmentKeys, ownIssuerKeys } from '../shared/keys/registry.ts';
import { SEVERITIES } from './log.ts';
import { OIDC_VARIABLES, oidcProblems } from './oidc-settings.ts';
import { SIGNING_KEYS_TEXT } from './signing-keys.ts';
import { isSender, isSmtpUrl, mailProblems } from './smtp-settings.ts';

/** The setting is wrong; the message says which and how. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

export const PRODUCTION = 'production';

const commaSeparated = z.string().transform((list) =>
  list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
  error: 'each must be an origin such as https://app.example.com, without a path',
});

/** What the variables mean and what they are when they are not set. */
export const CONFIG_SCHEMA = z.object({
  NODE_ENV: z.string().default('development'),
  ISSUER: z.string().min(1).default('countersign'),
  LOG_LEVEL: z.enum(SEVERITIES).default('INFO'),
  STORE: z.enum(['sqlite', 'firestore'], { error: 'must be sqlite or firestore' }).default('sqlite'),
  SQLITE_PATH: z.string().optional(),
  FIRESTORE_PROJECT: z
    .string()
    // Some old projects belong to a domain: `example.com:licences`.
    .regex(/^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/, {
      error: 'must be the id of a Google Cloud project, not its number or its name',
    })
    .optional(),
  FIRESTORE_DATABASE: z
    .string()
    .regex(/^(?:\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$/, {
      error: 'must be (default) or the id of a Firestore database: 4 to 63 letters, digits and hyphens',
    })
    .default('(default)'),
  FIRESTORE_EMULATOR_HOST: z
    .string()
    .regex(/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):\d+$/, {
      error: 'must be HOST:PORT; leave it unset for the real Firestore',
    })
    .refine((host) => URL.canParse(`http://${host}`), { error: 'has a port beyond 65535' })
    .optional(),
  LICENSE_KEY_PEPPER: z.string().min(32, { error: 'must have at least 32 characters' }),
  SIGNING_KEYS_JSON: SIGNING_KEYS_TEXT.optional(),
  SIGNING_KEYS_FILE: z.string().optional(),
  SIGNING_FAILURE_POLICY: z
    .enum(['reject', 'unsigned'], { error: 'must be reject or unsigned' })
    .default('reject'),
  SIGNING_DEADLINE_MS: z.coerce.number().int().min(100).max(60_000).default(3000),
  KMS_ENDPOINT: z
    .string()
    .regex(/^(127\.0\.0\.1|localhost):\d+$/, {
      error: 'must be 127.0.0.1:PORT; leave it unset for the real KMS',
    })
    .optional(),
  AWS_KMS_ENDPOINT: z
    .string()
    .regex(/^http:\/\/(127\.0\.0\.1|localhost):\d+$/, {
      error: 'must be http://127.0.0.1:PORT; leave it unset for the real AWS KMS',
    })
    .optional(),
  CLOCK_SKEW_SECONDS: z.coerce.number().int().min(0).max(3600).default(DEFAULT_CLOCK_SKEW_SECONDS),
  SWEEP_INTERVAL_SECONDS: z.coerce.number().int().min(0).max(86_400).default(DEFAULT_SWEEP_INTERVAL_SECONDS),
  SMTP_URL: z
    .string()
    .refine(isSmtpUrl, { error: 'must be smtp://USER:PASSWORD@HOST:PORT or smtps://…' })
    .optional(),
  MAIL_FROM: z.string().refine(isSender, { error: 'must be an address, or NAME <ADDRESS>' }).optional(),
  PRODUCTS_FILE: z.string().optional(),
  CORS_ALLOWED_ORIGINS: commaSeparated.pipe(z.array(origin)).prefault(''),
  TRUSTED_PROXIES: z.coerce.number().int().min(0).max(16).default(0),
  ...OIDC_VARIABLES,
});

type Settings = z.output<typeof CONFIG_SCHEMA>;

/** What the chosen store needs is there, and nothing of the other one. */
export type Config = Settings &
  (
    | { readonly STORE: 'sqlite'; readonly SQLITE_PATH: string }
    | { readonly STORE: 'firestore'; readonly FIRESTORE_PROJECT: string }
  );

type Values = Readonly<Record<string, string | undefined>>;

/** By store: what must be set, and what it has to be; and what only another store reads. */
const STORE_RULES = {
  sqlite: {
    needs: { name: 'SQLITE_PATH', what: 'the path of the database file' },
    unread: ['FIRESTORE_PROJECT', 'FIRESTORE_DATABASE', 'FIRESTORE_EMULATOR_HOST'],
    other: 'firestore',
  },
  firestore: {
    needs: { name: 'FIRESTORE_PROJECT', what: 'the id of the Google Cloud project' },
    unread: ['SQLITE_PATH'],
    other: 'sqlite',
  },
} as const satisfies Record<Settings['STORE'], object>;

/** Settings that must not reach production, and what they point at. */
const DEVELOPMENT_ONLY = {
  KMS_ENDPOINT: 'KMS',
  AWS_KMS_ENDPOINT: 'AWS KMS',
  FIRESTORE_EMULATOR_HOST: 'Firestore',
} as const;

/** @throws ConfigError when a variable is missing or wrong, or contradicts another */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  return load(CONFIG_SCHEMA, environment) as Config;
}

/** What an operator's commands need: no pepper, because they open no licence by its key. */
export type OperatorConfig = DistributiveOmit<Config, 'LICENSE_KEY_PEPPER'>;

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** @throws ConfigError */
export function loadOperatorConfig(environment: NodeJS.ProcessEnv): OperatorConfig {
  return load(CONFIG_SCHEMA.omit({ LICENSE_KEY_PEPPER: true }), environment) as OperatorConfig;
}

function load(schema: z.ZodObject, environment: NodeJS.ProcessEnv): unknown {
  const known = Object.keys(schema.shape).map((name) => [name, environment[name] || undefined]);
  const values: Values = Object.fromEntries(known);
  const result = schema.safeParse(values);
  const problems = result.success
    ? [
        ...storeProblems(result.data as OperatorConfig, values),
        ...keysProblems(values),
        ...issuerProblems(result.data as OperatorConfig),
        ...mailProblems(values),
        ...productionProblems(result.data as OperatorConfig),
        ...oidcProblems(
          result.data as OperatorConfig,
          (result.data as OperatorConfig).NODE_ENV === PRODUCTION,
        ),
      ]
    : result.error.issues.map((issue) => sentence(issue, values));
  if (!result.success || problems.length > 0) throw new ConfigError(problems.join('\n'));
  return result.data;
}

function storeProblems({ STORE }: OperatorConfig, values: Values): string[] {
  const { needs, unread, other } = STORE_RULES[STORE];
  const missing =
    values[needs.name] === undefined
      ? [`${needs.name} is not set. STORE is ${STORE}: set ${needs.name} to ${needs.what}.`]
      : [];
  const idle = unread.filter((name) => values[name] !== undefined);
  return [
    ...missing,
    ...idle.map((name) => `${name} is set, and STORE is ${STORE}. Unset ${name}, or set STORE=${other}.`),
  ];
}

/** The keys come from one place. */
function keysProblems({ SIGNING_KEYS_JSON: json, SIGNING_KEYS_FILE: file }: Values): string[] {
  if (json !== undefined && file !== undefined)
    return ['SIGNING_KEYS_JSON and SIGNING_KEYS_FILE are both set. Unset one of them.'];
  if (json === undefined && file === undefined)
    return [
      'SIGNING_KEYS_JSON is not set. Set it to the list of signing keys, or SIGNING_KEYS_FILE to its file.',
    ];
  return [];
}

/** A list in SIGNING_KEYS_FILE may change: whoever reads it looks each time. */
function issuerProblems({ SIGNING_KEYS_JSON: keys = [], ISSUER }: OperatorConfig): string[] {
  return ownIssuerKeys(keys, ISSUER).map((problem) => `SIGNING_KEYS_JSON is wrong: ${problem}.`);
}

function productionProblems(settings: OperatorConfig): string[] {
  if (settings.NODE_ENV !== PRODUCTION) return [];
  const endpoints = Object.entries(DEVELOPMENT_ONLY)
    .filter(([name]) => settings[name as keyof typeof DEVELOPMENT_ONLY] !== undefined)
    .map(([name, what]) => `${name} points at a local ${what}, and NODE_ENV is production. Unset ${name}.`);
  const keys = developmentKeys(settings.SIGNING_KEYS_JSON ?? []);
  return [...endpoints, ...keys.map((problem) => `SIGNING_KEYS_JSON is wrong: ${problem}.`)];
}

function sentence({ path, message }: z.core.$ZodIssue, values: Values): string {
  const [name, ...inside] = path.map(String);
  if (name === undefined || values[name] === undefined) {
    return `${name} is not set. docs/configuration.md says what it is for.`;
  }
  return `${name}${inside.length === 0 ? '' : ` (at ${inside.join('.')})`} is wrong: ${message}.`;
}
