/** The variables that say whose ID tokens are accepted, and what they open. */
import { z } from 'zod';
import { SCOPE_NAMES } from '../shared/access/scopes.ts';
import type { OidcSettings, ScopeMapping } from './oidc.ts';

const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])$/;

/** HTTPS, or HTTP on this machine, which production refuses. */
const issuerUrl = z.string().refine(
  (text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, hostname } = new URL(text);
    return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
  },
  { error: 'must be an https:// address' },
);

const mapping = z.strictObject({
  claim: z.string().min(1),
  map: z.record(z.string(), z.array(z.enum(SCOPE_NAMES)).min(1)),
  customer_claim: z.string().min(1).optional(),
}) satisfies z.ZodType<ScopeMapping>;

const mappingText = z.string().transform((text, context) => {
  const result = mapping.safeParse(parsed(text));
  if (result.success) return result.data;
  context.issues.push({
    code: 'custom',
    input: text,
    message:
      'must be JSON such as {"claim":"groups","map":{"licensing-ops":["licenses:write"]}}, with scopes of docs/access.md',
  });
  return z.NEVER;
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export const OIDC_VARIABLES = {
  OIDC_ISSUER: issuerUrl.optional(),
  OIDC_AUDIENCE: z.string().min(1).optional(),
  OIDC_JWKS_URL: issuerUrl.optional(),
  OIDC_SCOPES: mappingText.optional(),
};

type OidcVariables = z.output<z.ZodObject<typeof OIDC_VARIABLES>>;

const TOGETHER = ['OIDC_ISSUER', 'OIDC_AUDIENCE', 'OIDC_SCOPES'] as const;

/** Sentences: all of them are set, or none is. */
export function oidcProblems(settings: OidcVariables, isProduction: boolean): string[] {
  const { OIDC_ISSUER: issuer, OIDC_JWKS_URL: jwksUrl } = settings;
  const isUsed = [...TOGETHER, 'OIDC_JWKS_URL' as const].some((name) => settings[name] !== undefined);
  const missing = isUsed ? TOGETHER.filter((name) => settings[name] === undefined) : [];
  const plain = Object.entries({ OIDC_ISSUER: issuer, OIDC_JWKS_URL: jwksUrl })
    .filter(([, url]) => isProduction && url?.startsWith('http:'))
    .map(([name]) => `${name} is not https, and NODE_ENV is production. Use an https:// address.`);
  return [
    ...missing.map(
      (name) => `${name} is not set. ID tokens need ${TOGETHER.join(', ')}; unset all for none.`,
    ),
    ...plain,
  ];
}

/** Undefined where no ID token is accepted. */
export function oidcSettings(settings: OidcVariables): OidcSettings | undefined {
  const {
    OIDC_ISSUER: issuer,
    OIDC_AUDIENCE: audience,
    OIDC_SCOPES: scopes,
    OIDC_JWKS_URL: jwksUrl,
  } = settings;
  if (issuer === undefined || audience === undefined || scopes === undefined) return undefined;
  return { issuer, audience, scopes, jwksUrl };
}
