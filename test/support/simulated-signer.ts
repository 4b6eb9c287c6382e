/** Signers on virtual time whose health is a function of the time, and what comes of signing with them. */
import { expect, vi } from 'vitest';
import { type Failover, type FailoverOptions, withFailover } from '../../infra/kms/failover.ts';
import type { MakeMessage, SignerSource } from '../../infra/kms/signing-attempt.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { Signer } from '../../shared/ports/signer.ts';

export const DEADLINE_MS = 4_000;
export const SHARE_MS = 1_500;
/** A healthy signature. */
export const CALL_MS = 40;

const clock = { now: () => Date.now() };
const kidOf = ({ kid }: Signer) => new TextEncoder().encode(kid);

export function unavailable(because: string, retryAfterSeconds = 5): CountersignError {
  const cause = new Error(because);
  return new CountersignError('signing_unavailable', 'Try again shortly.', { cause, retryAfterSeconds });
}

/** How a signer answers a call. Undefined: right, after `CALL_MS`. */
export interface Answer {
  readonly afterMs?: number;
  readonly failure?: unknown;
  /** The public key cannot be read; the signer is not asked. */
  readonly keyFailure?: unknown;
}

/** A signer that answers by the time of the call, and notes what it was asked to sign. */
export class SimulatedSigner implements SignerSource {
  readonly name: string;
  /** The messages that it was asked to sign. */
  readonly asked: string[] = [];
  answerAt: (now: number) => Answer | undefined;

  constructor(name: string, answerAt: (now: number) => Answer | undefined = () => undefined) {
    this.name = name;
    this.answerAt = answerAt;
  }

  async signer(): Promise<Signer> {
    const { afterMs = CALL_MS, keyFailure } = this.answerAt(clock.now()) ?? {};
    if (keyFailure === undefined) return this.#signer();
    await pause(afterMs);
    throw keyFailure;
  }

  #signer(): Signer {
    const [kid, algorithm] = [this.name, 'EC_SIGN_ED25519'] as const;
    return {
      kid,
      algorithm,
      sign: async (message) => {
        const { afterMs = CALL_MS, failure } = this.answerAt(clock.now()) ?? {};
        this.asked.push(new TextDecoder().decode(message));
        await pause(afterMs);
        if (failure !== undefined) throw failure;
        return { kid, algorithm, bytes: message };
      },
    };
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export interface Outcome {
  readonly startedAt: number;
  readonly latencyMs: number;
  /** Whose signature it is. */
  readonly signedBy?: string;
  readonly error?: unknown;
}

export async function signOnce(failover: Failover, makeMessage: MakeMessage = kidOf): Promise<Outcome> {
  const startedAt = clock.now();
  const result = await failover.sign(makeMessage).catch((error: unknown) => ({ error }));
  const latencyMs = clock.now() - startedAt;
  if ('error' in result) return { startedAt, latencyMs, error: result.error };
  const { signature, signer } = result;
  // The bytes that were signed name the key that signed them.
  expect(signature).toMatchObject({ kid: signer.kid, bytes: kidOf(signer) });
  return { startedAt, latencyMs, signedBy: signer.kid };
}

/** Runs everything that is scheduled, to the end. */
export async function atOnce<T>(work: Promise<T>): Promise<T> {
  await vi.runAllTimersAsync();
  return work;
}

export function build(sources: readonly SignerSource[], options: Partial<FailoverOptions> = {}): Failover {
  return withFailover(sources, {
    clock,
    deadlineMs: DEADLINE_MS,
    shareMs: SHARE_MS,
    random: () => 0,
    ...options,
  });
}

export const REFUSED: Answer = { afterMs: 10, failure: unavailable('refused') };
export const SLOW: Answer = { afterMs: 5_000 };
export const KEY_UNREADABLE: Answer = { afterMs: 10, keyFailure: unavailable('no key') };
