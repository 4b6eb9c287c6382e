/**
 * A KMS that signs with a stand-in: a hash of the message. It keeps what it signed, so that a check can tell what
 * stands behind a signature that a client received.
 */
import type { AlgorithmName } from '../../shared/algorithms.ts';
import { base64Encode } from '../../shared/canonical/base64.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { KeyDirectory } from '../../shared/ports/key-directory.ts';
import type { Signature } from '../../shared/ports/signer.ts';
import type { Instance } from './instance.ts';
import { hash128 } from './random.ts';
import type { Request } from './request.ts';
import type { Stage } from './stage.ts';
import { partiesOf } from './store.ts';

export interface Kms {
  /** The keys as a request on an instance sees them. */
  keysFor(instance: Instance, request: Request): KeyDirectory;
  /** The message behind a signature (base64), undefined when this KMS did not make it. */
  messageOf(signature: string): Uint8Array | undefined;
}

const KID = 'simulated-key';
const SLOW_MS = 4000;

const unavailable = () =>
  new CountersignError('signing_unavailable', 'The signing service is unavailable. Try again.');

export function createKms(stage: Stage): Kms {
  const { scheduler, trace, strikes, latencyMs } = stage;
  const signed = new Map<string, Uint8Array>();

  function make(algorithm: AlgorithmName, message: Uint8Array): Signature {
    const bytes = new Uint8Array(hash128(message).buffer);
    signed.set(base64Encode(bytes), message);
    return { kid: KID, algorithm, bytes };
  }

  function sign(instance: Instance, request: Request, algorithm: AlgorithmName, message: Uint8Array) {
    return new Promise<Signature>((resolve, reject) => {
      const [answer, fail] = [instance.whileAlive(resolve), instance.whileAlive(reject)];
      const way = latencyMs() + (strikes('kmsSlow') ? stage.random.between(1, SLOW_MS) : 0);
      if (strikes('kmsUnavailable')) return scheduler.after(way, () => fail(unavailable()));
      scheduler.after(way, () => {
        trace.note(`r${request.id} KMS signs`, partiesOf(stage, request));
        const signature = make(algorithm, message);
        scheduler.after(latencyMs(), () => answer(signature));
      });
    });
  }

  return {
    messageOf: (signature) => signed.get(signature),
    keysFor: (instance, request) => ({
      async sign(algorithm, makeMessage) {
        if (strikes('kmsKeyUnreadable')) throw unavailable();
        return sign(instance, request, algorithm, makeMessage({ kid: KID, algorithm }));
      },
      find: async () => undefined,
      list: async () => [],
      macKeys: () => [],
    }),
  };
}
