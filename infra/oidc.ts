/**
 * ID tokens of an OpenID Connect issuer (Identity Platform or any other), verified with its published keys. OpenID Connect Core
 * 1.0 §2 and §3.1.3.7 say what is checked.
 */
import type { JWTHeaderParameters, JWTPayload, JWTVerifyGetKey } from 'jose';
import type { AccessScope } from '../shared/access/scopes.ts';
import { IDENTITY_TIMEOUT_MS, RETRY_AFTER_SECONDS, TOKEN_CLOCK_SKEW_SECONDS } from '../shared/constants.ts';
import { CountersignError } from '../shared/errors.ts';
import type { Identify, Identity } from '../shared/ports/authenticate.ts';
import { customerId } from '../shared/wire/customers.ts';

export interface OidcSettings {
  readonly issuer: string;
  readonly audience: string;
  /** Where the issuer's keys are; its discovery document says so when left out. */
  readonly jwksUrl?: string | undefined;
  readonly scopes: ScopeMapping;
}

/** Which values of a claim give which scopes. The claim holds a string or a list of them. */
export interface ScopeMapping {
  readonly claim: string;
  readonly map: Readonly<Record<string, readonly AccessScope[]>>;
  /** The claim that names the one customer whose objects the caller may touch, or `*` for all. Left out: all. */
  readonly customer_claim?: string | undefined;
}

/** No HMAC, whose key would be shared, and never `none`. */
const ALGORITHMS = ['RS256', 'ES256'];

/** Reads no key before the first token. */
export function createIdentify(settings: OidcSettings): Identify {
  const { issuer, audience, scopes } = settings;
  let keys: Promise<JWTVerifyGetKey> | undefined;

  /** A failed discovery is not remembered. */
  function openKeys(): Promise<JWTVerifyGetKey> {
    keys ??= openIssuerKeys(settings).catch((error) => {
      keys = undefined;
      throw error;
    });
    return keys;
  }

  return async (token, now) => {
    const { errors, jwtVerify } = await import('jose');
    try {
      const { payload, protectedHeader } = await jwtVerify(token, await openKeys(), {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: TOKEN_CLOCK_SKEW_SECONDS,
        requiredClaims: ['exp', 'iat', 'sub'],
        currentDate: new Date(now),
      });
      if (!isIdToken(protectedHeader) || !isForUs(payload, audience) || !isOfSomebody(payload, now))
        return undefined;
      return {
        actor: actorOf(payload),
        ...rightsOf(scopes, payload),
      };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  };
}

/** An access token of the same issuer (`at+jwt`, RFC 9068) or a logout token was given for something else. */
function isIdToken({ typ }: JWTHeaderParameters): boolean {
  return typ === undefined || /^(?:application\/)?jwt$/i.test(typ);
}

/**
 * Of several audiences each could be who shows the token here, unless `azp` says that it was given to ours. With a single one
 * `azp` is not looked at: Google puts the number of the service account there that asked for the token.
 */
function isForUs({ aud, azp }: JWTPayload, audience: string): boolean {
  return new Set([aud].flat()).size === 1 || azp === audience;
}

/** §2: `sub` is 1 to 255 ASCII characters. `jwtVerify` asks only that both claims are there. */
function isOfSomebody({ sub, iat }: JWTPayload, now: number): boolean {
  const isIssued = typeof iat === 'number' && iat * 1000 <= now + TOKEN_CLOCK_SKEW_SECONDS * 1000;
  return isIssued && typeof sub === 'string' && /^[\x20-\x7e]{1,255}$/.test(sub);
}

/** The e-mail only where the issuer vouches for it: others could be entered by anybody. */
function actorOf({ sub, email, email_verified: isVerified }: JWTPayload): string {
  return typeof email === 'string' && isVerified === true ? `oidc:${email}` : `oidc:sub:${sub}`;
}

/** A token that does not say for which customer, by an id that one can have, opens nothing. */
function rightsOf(mapping: ScopeMapping, payload: JWTPayload): Pick<Identity, 'scopes' | 'customerId'> {
  const scopes = new Set(scopesOf(mapping, payload[mapping.claim]));
  if (mapping.customer_claim === undefined) return { scopes, customerId: null };
  const named = payload[mapping.customer_claim];
  if (named === '*') return { scopes, customerId: null };
  const customer = customerId.safeParse(named);
  return customer.success ? { scopes, customerId: customer.data } : { scopes: new Set(), customerId: null };
}

function scopesOf({ map }: ScopeMapping, claim: unknown): AccessScope[] {
  const values = Array.isArray(claim) ? claim : [claim];
  return values.flatMap((value) =>
    typeof value === 'string' && Object.hasOwn(map, value) ? (map[value] ?? []) : [],
  );
}

async function openIssuerKeys({ issuer, jwksUrl }: OidcSettings): Promise<JWTVerifyGetKey> {
  const { createRemoteJWKSet, errors } = await import('jose');
  const url = jwksUrl ?? (await discover(issuer));
  const keySet = createRemoteJWKSet(new URL(url), { timeoutDuration: IDENTITY_TIMEOUT_MS });
  /** Of the token: it names no key of the set, or no single one. */
  const ofToken = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];
  return async (header, token) => {
    try {
      return await keySet(header, token);
    } catch (cause) {
      throw ofToken.some((kind) => cause instanceof kind) ? cause : unavailable(cause);
    }
  };
}

/** OpenID Connect Discovery 1.0 §4. */
async function discover(issuer: string): Promise<string> {
  try {
    const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
      redirect: 'error',
      signal: AbortSignal.timeout(IDENTITY_TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the discovery document is answered with ${response.status}`);
    const { issuer: named, jwks_uri: url } = (await response.json()) as Record<string, unknown>;
    if (named !== issuer) throw new Error('the discovery document is of another issuer');
    if (typeof url !== 'string' || !URL.canParse(url))
      throw new Error('the discovery document has no jwks_uri');
    return url;
  } catch (cause) {
    throw unavailable(cause);
  }
}

function unavailable(cause: unknown): CountersignError {
  return new CountersignError(
    'identity_unavailable',
    'The issuer of ID tokens does not answer with its keys. Try again, or use an API key.',
    { cause, retryAfterSeconds: RETRY_AFTER_SECONDS },
  );
}
