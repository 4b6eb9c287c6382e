/**
 * Who calls, by an API key or an ID token. Malformed, unknown, expired and revoked ones get the same answer after the same work: a
 * look-up of the hash.
 */
import { prefixOf } from '../access/api-key.ts';
import { type Attempts, rememberAttempts, type Watch } from '../access/attempts.ts';
import { API_KEY_USE_SECONDS, FAILED_ATTEMPTS_PER_KEY, FAILED_ATTEMPTS_PER_NETWORK } from '../constants.ts';
import { isInForce } from '../decide/api-key.ts';
import { networkOf } from '../decide/attempts.ts';
import { CountersignError } from '../errors.ts';
import type { Authenticate, Credentials, Identify, Identity } from '../ports/authenticate.ts';
import type { Log } from '../ports/log.ts';
import type { Ports } from '../ports/ports.ts';
import { apiKeyRecord } from '../records/api-key.ts';
import { apiKeyPath } from '../records/paths.ts';
import { readRecord } from './read.ts';

type Authenticating = Pick<Ports, 'store' | 'hasher' | 'clock'>;

interface Trust {
  /** Of ID tokens; without it none is accepted. */
  readonly identify?: Identify | undefined;
  readonly log: Log;
}

/** Remembers failed attempts from its making on: one of an instance. */
export function createAuthenticate(ports: Authenticating, trust: Trust): Authenticate {
  const attempts = rememberAttempts();
  return async (credentials, { source, requestId }) => {
    if (credentials.apiKey === undefined && credentials.authorization === undefined) return undefined;
    const network = { [`network ${networkOf(source)}`]: FAILED_ATTEMPTS_PER_NETWORK };
    const wait = attempts.secondsToWait(network, ports.clock.now());
    if (wait !== undefined) throw tooMany(wait);
    const identity = await identityOf(ports, trust, credentials, requestId);
    if (identity !== undefined) return { ...identity, source, requestId };
    throw failure(attempts, network, watchAlike(credentials), ports.clock.now());
  };
}

/** Counts a failure, and says what it is answered with. */
function failure(attempts: Attempts, network: Watch, alike: Watch, now: number): CountersignError {
  const wait = attempts.secondsToWait(alike, now);
  attempts.fail({ ...network, ...alike }, now);
  return wait === undefined
    ? new CountersignError('unauthenticated', 'These credentials open nothing.')
    : tooMany(wait);
}

function tooMany(wait: number): CountersignError {
  return new CountersignError('rate_limited', `Too many wrong credentials. Wait ${wait} seconds.`, {
    retryAfterSeconds: wait,
  });
}

/**
 * Wrong keys that begin alike, from wherever they come. Looked at only once a key is known to be wrong: a prefix is no secret, and
 * whoever knows one could otherwise lock its key out.
 */
function watchAlike({ apiKey }: Credentials): Watch {
  const prefix = apiKey === undefined ? undefined : prefixOf(apiKey);
  return prefix === undefined ? {} : { [`key ${prefix}`]: FAILED_ATTEMPTS_PER_KEY };
}

/** The key decides where both are sent: a platform in front may want `Authorization` for itself. */
function identityOf(
  ports: Authenticating,
  { identify, log }: Trust,
  { apiKey, authorization = '' }: Credentials,
  requestId: string,
): Promise<Identity | undefined> {
  if (apiKey !== undefined) return identityOfKey(ports, log, apiKey, requestId);
  const token = /^bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
  return token === undefined || identify === undefined
    ? Promise.resolve(undefined)
    : identify(token, ports.clock.now());
}

async function identityOfKey(
  ports: Authenticating,
  log: Log,
  apiKey: string,
  requestId: string,
): Promise<Identity | undefined> {
  const path = apiKeyPath(ports.hasher.hash('api_key', apiKey));
  const [snapshot] = await ports.store.get([path]);
  const key = readRecord(apiKeyRecord, snapshot)?.record;
  const now = ports.clock.now();
  if (key === undefined || !isInForce(key, now)) return undefined;
  if (now - (key.last_used_at ?? 0) >= API_KEY_USE_SECONDS * 1000)
    await recordUse(ports, log, { path, now, requestId });
  const { prefix, scopes, customer_id: customerId, expires_at: keyExpiresAt } = key;
  return {
    actor: `key:${prefix}`,
    scopes: new Set(scopes),
    customerId,
    ...(keyExpiresAt !== null && { keyExpiresAt }),
  };
}

/** A request is not refused because this could not be written: the next one tries again. */
async function recordUse(
  { store }: Authenticating,
  log: Log,
  { path, now, requestId }: { readonly path: string; readonly now: number; readonly requestId: string },
): Promise<void> {
  try {
    await store.commit([{ op: 'update', path, fields: { last_used_at: now } }]);
  } catch (error) {
    log.write({
      severity: 'WARNING',
      message: 'the use of an API key was not recorded',
      request_id: requestId,
      error_chain: [error instanceof Error ? error.name : typeof error],
    });
  }
}
