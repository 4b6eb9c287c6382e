/**
 * Clients that ask a service for signed documents, each one call after another, and verify every document offline.
 *
 *   const verifier = createOfflineVerifier(client);
 *   const load = startLoad({
 *     clients: 20,
 *     turn: (number, count) => signedCall(verifier, `machine-${number}-${count}`, (hardware_id) =>
 *       client.acquire({ license_key, hardware_id, format: 'jws' })),
 *   });
 *   await load.until(() => load.calls.length >= 100);
 *   await load.stop();
 *   expect(load.failures).toEqual([]);
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../../shared/client/client.ts';
import { importVerificationKey, type VerificationKey, verifyDocument } from '../../shared/client/verify.ts';

/** An answered call whose document was accepted. Times are milliseconds of `performance.now()`. */
export interface SignedCall {
  readonly hardwareId: string;
  readonly sessionId: string;
  /** The key that signed the document. */
  readonly kid: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface LoadOptions<Call> {
  readonly clients: number;
  /** What a client does in its turn; both arguments count from 0. */
  turn(client: number, count: number): Promise<Call>;
}

export interface Load<Call = SignedCall> {
  /** In the order in which the turns ended. */
  readonly calls: readonly Call[];
  /** What turns have thrown. The client goes on. */
  readonly failures: readonly unknown[];
  /** Resolves when the condition holds, or at the first failure. @throws Error when it does not come to that in time. */
  until(condition: () => boolean): Promise<void>;
  /** Resolves when every client has ended its turn. */
  stop(): Promise<void>;
}

const LONGEST_WAIT_MS = 45_000;
const BETWEEN_LOOKS_MS = 20;

export function startLoad<Call = SignedCall>({ clients, turn }: LoadOptions<Call>): Load<Call> {
  const calls: Call[] = [];
  const failures: unknown[] = [];
  let isStopped = false;

  async function work(client: number): Promise<void> {
    for (let count = 0; !isStopped; count++) {
      try {
        calls.push(await turn(client, count));
      } catch (error) {
        failures.push(error);
      }
    }
  }

  const all = Promise.all(Array.from({ length: clients }, (_, client) => work(client)));
  return {
    calls,
    failures,
    async until(condition) {
      const givenUpAt = performance.now() + LONGEST_WAIT_MS;
      while (failures.length === 0 && !condition()) {
        if (performance.now() > givenUpAt)
          throw new Error(`After ${calls.length} calls it is still not so: ${condition}`);
        await pause(BETWEEN_LOOKS_MS);
      }
    },
    async stop() {
      isStopped = true;
      await all;
    },
  };
}

/** Answers the kid of a document that it accepts. @throws Error for one that it refuses. */
export type OfflineVerifier = (document: string) => Promise<string>;

/** Keeps the published keys; reads them again, once, for a key that it does not know (docs/keys.md). */
export function createOfflineVerifier(client: Client): OfflineVerifier {
  let published: Promise<VerificationKey[]> | undefined;
  const read = async () => Promise.all((await client.jwks()).keys.map(importVerificationKey));
  const verify = async (document: string) => {
    published ??= read();
    return verifyDocument(document, { keys: await published, now: Date.now() });
  };
  return async (document) => {
    let result = await verify(document);
    if (!result.valid && result.code === 'unknown_key') {
      published = undefined;
      result = await verify(document);
    }
    if (!result.valid) throw new Error(`The document is refused: ${result.detail}`);
    return result.kid;
  };
}

/** One call for a document in the format `jws`. Its time is that of the call, without the verification. */
export async function signedCall(
  verify: OfflineVerifier,
  hardwareId: string,
  call: (hardwareId: string) => Promise<{ readonly session_id: string; readonly token?: string | undefined }>,
): Promise<SignedCall> {
  const startedAt = performance.now();
  const { session_id: sessionId, token = '' } = await call(hardwareId);
  const endedAt = performance.now();
  return { hardwareId, sessionId, kid: await verify(token), startedAt, endedAt };
}
