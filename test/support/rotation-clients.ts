/**
 * Clients of a service whose keys change. Each holds a signed document, and again and again has everybody look at it: itself
 * with keys from the JWK set, itself with the root pinned, and the instance that did not sign it.
 *
 *   const load = startClients(deployment, { checksOf: (client) => checks[client], onRefusal: (refusal) => { throw … } });
 *   await load.until(() => everyoneHas(load.calls, kid));
 *   await load.stop();
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import { createVerifier, type VerifierOptions } from '../../shared/client/verifier.ts';
import {
  importVerificationKey,
  type PublicJwk,
  type VerificationKey,
  verifyDocument,
} from '../../shared/client/verify.ts';
import { decodeDocument } from '../../shared/formats/index.ts';
import { type Load, type SignedCall, startLoad } from './acquire-load.ts';
import type { Deployment, Instance } from './rotation-deployment.ts';

export const CLIENTS = 20;

type Document = string | JsonObject;

/** `valid`, or the code of the refusal. */
export type Check = (document: Document) => Promise<string>;

/** An acquire, or a heartbeat that asked for a document. */
export interface RotationCall extends SignedCall {
  readonly client: number;
  /** The instance that answered. */
  readonly instance: number;
  readonly document: Document;
}

export interface Refusal {
  /** The check that refused. */
  readonly by: string;
  readonly code: string;
  /** Where the document came from. */
  readonly call: RotationCall;
}

export interface ClientsOptions {
  /** What a client looks at its document with, by name; the instance's opinion comes on top. */
  readonly checksOf: (client: number) => Readonly<Record<string, Check>>;
  /** Throws when that is a failure of the client. One that goes on drops the document and acquires another. */
  readonly onRefusal: (refusal: Refusal) => void;
}

const PAUSE_MS = 50;
/** A machine that is busy with other things is no reason to go without a manifest. */
const READ_LIMIT_MS = 10_000;
/** Clients keep a document for so many looks at it: some for longer than an instance keeps a list of keys. */
const LOOKS = [1, 3, 5, 7, 15];
/** A client releases its seat after so many documents. */
const RELEASE_EACH = 5;

export function startClients(deployment: Deployment, options: ClientsOptions): Load<RotationCall> {
  const clients = Array.from({ length: CLIENTS }, (_, number) =>
    createLicenseClient(deployment, number, options),
  );
  return startLoad({
    clients: CLIENTS,
    turn: (number, count) => clients[number]?.(count) as Promise<RotationCall>,
  });
}

/** Answers what a client does in a turn: gets a document, looks at it again and again, and now and then releases its seat. */
function createLicenseClient(
  { instances, licenseKey }: Pick<Deployment, 'instances' | 'licenseKey'>,
  number: number,
  { checksOf, onRefusal }: ClientsOptions,
): (count: number) => Promise<RotationCall> {
  const request = {
    license_key: licenseKey,
    hardware_id: `machine-${number}`,
    format: number % 2 === 0 ? ('inline' as const) : ('jws' as const),
  };
  let sessionId: string | undefined;

  async function ask(instance: number): Promise<RotationCall> {
    const { client } = at(instances, instance);
    const startedAt = performance.now();
    const { session_id, token, license_data } =
      sessionId === undefined
        ? await client.acquire(request)
        : await client.heartbeat({ ...request, session_id: sessionId, document: true });
    const endedAt = performance.now();
    sessionId = session_id;
    const document = (token ?? license_data) as Document;
    const { kid } = decodeDocument(document);
    const { hardware_id: hardwareId } = request;
    return { client: number, instance, hardwareId, sessionId, kid, document, startedAt, endedAt };
  }

  async function look(call: RotationCall, other: Instance): Promise<Refusal | undefined> {
    const checks = { ...checksOf(number), 'the other instance': serviceCheck(other) };
    for (const [by, check] of Object.entries(checks)) {
      const code = await check(call.document);
      if (code !== 'valid') return { by, code, call };
    }
    return undefined;
  }

  async function lookAgainAndAgain(call: RotationCall, other: Instance): Promise<void> {
    for (let looks = LOOKS[number % LOOKS.length] ?? 1; looks > 0; looks--) {
      const refusal = await look(call, other);
      await pause(PAUSE_MS);
      if (refusal === undefined) continue;
      sessionId = undefined;
      return onRefusal(refusal);
    }
  }

  return async (count) => {
    const call = await ask((number + count) % 2);
    const other = at(instances, 1 - call.instance);
    await lookAgainAndAgain(call, other);
    if (sessionId !== undefined && count % RELEASE_EACH === number % RELEASE_EACH) {
      await other.client.release({ session_id: sessionId });
      sessionId = undefined;
    }
    return call;
  };
}

const at = (instances: readonly [Instance, Instance], number: number) => instances[number === 0 ? 0 : 1];

export function serviceCheck({ client }: Instance): Check {
  return async (token) => {
    const { valid, code } = await client.validate({ token: token as string });
    return valid ? 'valid' : String(code);
  };
}

/** The client library with the root pinned. It waits for a manifest as long as clients wait for other answers. */
export async function pinnedCheck(options: VerifierOptions): Promise<Check> {
  const verifier = await createVerifier({ timeoutMs: READ_LIMIT_MS, ...options });
  return async (document) => {
    const result = await verifier.verify(document);
    return result.valid ? 'valid' : result.code;
  };
}

export interface JwksOptions {
  /** One of them is asked at a time, in turn. */
  readonly baseUrls: readonly string[];
  /** Keeps a set for so many milliseconds instead of as long as its `Cache-Control` says. */
  readonly maxAgeMs?: number;
  /** After an unknown key it reads ahead of time, at most each so many milliseconds; never when left out. */
  readonly readAgainMs?: number;
}

/** A client that knows the JWK set, and caches it as RFC 9111 says. */
export function jwksCheck({ baseUrls, maxAgeMs, readAgainMs }: JwksOptions): Check {
  let reads = 0;
  let mayReadAgainAt = readAgainMs === undefined ? Number.POSITIVE_INFINITY : 0;
  let held: KeySet | undefined;

  const read = async () => {
    held = await readKeySet(String(baseUrls[reads++ % baseUrls.length]), maxAgeMs);
  };
  const judge = async (document: Document) => {
    const result = await verifyDocument(document, { keys: held?.keys ?? [], now: Date.now() });
    return result.valid ? 'valid' : result.code;
  };
  return async (document) => {
    if (held === undefined || performance.now() >= held.freshUntil) await read();
    const code = await judge(document);
    if (code !== 'unknown_key' || performance.now() < mayReadAgainAt) return code;
    mayReadAgainAt = performance.now() + (readAgainMs ?? 0);
    await read();
    return judge(document);
  };
}

interface KeySet {
  readonly keys: readonly VerificationKey[];
  /** On the clock of `performance.now()`. */
  readonly freshUntil: number;
}

/** A copy in a cache on the way has spent `Age` of its lifetime there: RFC 9111 §4.2. */
async function readKeySet(baseUrl: string, maxAgeMs?: number): Promise<KeySet> {
  const askedAt = performance.now();
  const response = await fetch(new URL('/.well-known/jwks.json', baseUrl));
  if (!response.ok) throw new Error(`The JWK set answers with status ${response.status}.`);
  const { keys } = (await response.json()) as { keys: PublicJwk[] };
  const seconds = /max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1];
  const lifetimeMs = maxAgeMs ?? Number(seconds) * 1000;
  const ageMs = Number(response.headers.get('age') ?? 0) * 1000;
  return {
    keys: await Promise.all(keys.map(importVerificationKey)),
    freshUntil: askedAt + lifetimeMs - ageMs,
  };
}

/** Whether each client's last document of each instance is of this key. */
export function everyoneHas(calls: readonly RotationCall[], kid: string): boolean {
  const last = new Map(calls.map((call) => [`${call.client} ${call.instance}`, call.kid]));
  return last.size === 2 * CLIENTS && [...last.values()].every((held) => held === kid);
}

/**
 * Calls that no list allows: a document's key was active in a list that was there before the call ended, and that its
 * instance was not seen to have replaced before the call began.
 */
export function outOfTheirTime(
  calls: readonly RotationCall[],
  { lists }: Pick<Deployment, 'lists'>,
): RotationCall[] {
  return calls.filter(
    ({ kid, instance, startedAt, endedAt }) =>
      !lists.some(
        ({ active, writtenAt }, place) =>
          active === kid &&
          writtenAt <= endedAt &&
          (lists[place + 1]?.noticedAt[instance] ?? Number.POSITIVE_INFINITY) >= startedAt,
      ),
  );
}
