/** One attempt of failover: a source is asked for its signer and a signature, within a limit. */
import { CountersignError } from '../../shared/errors.ts';
import type { Signature, Signer } from '../../shared/ports/signer.ts';

const RETRY_AFTER_SECONDS = 2;

export interface SignerSource {
  /** For the log. */
  readonly name: string;
  /** May have to read the public key first; its failure is a failure of this source. */
  signer(): Promise<Signer>;
}

/** Makes the bytes to sign; they may name the key. */
export type MakeMessage = (signer: Signer) => Uint8Array;

export interface Signed {
  readonly signature: Signature;
  /** The one that signed. */
  readonly signer: Signer;
}

/** The source did not sign within its limit. */
export class TimeoutFailure extends CountersignError {
  constructor(name: string, limitMs: number) {
    super('signing_unavailable', 'The signing service did not answer in time; try again shortly.', {
      cause: new Error(`${name} did not sign within ${limitMs} ms`),
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
}

/**
 * What comes after the limit is dropped, a failure too: the source has been judged, and another one may have signed.
 *
 * @throws TimeoutFailure, and whatever the source, its signer and `makeMessage` throw.
 */
export async function signWithin(
  limitMs: number,
  source: SignerSource,
  makeMessage: MakeMessage,
): Promise<Signed> {
  const overdue = new TimeoutFailure(source.name, limitMs);
  const limit = Promise.withResolvers<never>();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    limit.reject(overdue);
  }, limitMs);

  async function work(): Promise<Signed> {
    const signer = await source.signer();
    // The key came too late: a signature would be paid for and thrown away.
    if (isOver) throw overdue;
    return { signer, signature: await signer.sign(makeMessage(signer)) };
  }

  try {
    return await Promise.race([work(), limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
