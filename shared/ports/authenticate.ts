import type { Caller } from '../access/caller.ts';

/** What a request proves its caller with, as it was sent. */
export interface Credentials {
  /** `X-API-Key` */
  readonly apiKey: string | undefined;
  /** `Authorization` */
  readonly authorization: string | undefined;
}

/**
 * Who calls; undefined when the request carries no credentials.
 * @throws CountersignError `unauthenticated` for credentials that open nothing, `rate_limited` after too many of those,
 * `identity_unavailable`, `store_unavailable`
 */
export type Authenticate = (
  credentials: Credentials,
  request: { readonly source: string | null; readonly requestId: string },
) => Promise<Caller | undefined>;

/** Somebody known, wherever they call from. */
export type Identity = Pick<Caller, 'actor' | 'scopes' | 'customerId' | 'keyExpiresAt'>;

/**
 * Whose ID token this is; undefined for one that is not valid here.
 * @throws CountersignError `identity_unavailable` when the issuer's keys cannot be read
 */
export type Identify = (token: string, now: number) => Promise<Identity | undefined>;
