/**
 * What every adapter of the `Signer` port does. Failures are the business of each adapter's own tests: only
 * it knows how its KMS fails.
 */

import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { ALGORITHMS } from '../../shared/algorithms.ts';
import type { Signer } from '../../shared/ports/signer.ts';

export interface SignerUnderTest {
  readonly signer: Signer;
  /** The public key, obtained without the signer's help. */
  readonly pem: string;
  close(): Promise<void>;
}

/** Runs the suite over one adapter with one algorithm. */
export function signerContract(name: string, makeSigner: () => Promise<SignerUnderTest>): void {
  describe(`signer contract: ${name}`, () => {
    let subject: SignerUnderTest;
    beforeAll(async () => {
      subject = await makeSigner();
    });
    afterAll(() => subject?.close());

    const hashOf = ({ algorithm }: Signer) => (ALGORITHMS[algorithm].kmsInput === 'sha256' ? 'sha256' : null);
    const verifies = (message: Uint8Array, bytes: Uint8Array) =>
      verify(hashOf(subject.signer), message, createPublicKey(subject.pem), bytes);

    test.each([
      ['one byte', Buffer.from('a')],
      ['text beyond ASCII', Buffer.from('{"owner":"Zoë 株式会社 🔑"}')],
      ['every byte value', Uint8Array.from({ length: 256 }, (_, index) => index)],
      ['4,096 bytes', new Uint8Array(4096).fill(0x5a)],
      ['a view into a larger buffer', new Uint8Array(64).fill(7).subarray(3, 20)],
    ])('signs %s so that it verifies', async (_, message) => {
      const signature = await subject.signer.sign(message);
      expect(verifies(message, signature.bytes)).toBe(true);
    });

    test('the signature is of that message only', async () => {
      const { bytes } = await subject.signer.sign(Buffer.from('one seat'));
      expect(verifies(Buffer.from('two seats'), bytes)).toBe(false);
    });

    test('names its key by RFC 7638 thumbprint and its algorithm', async () => {
      const { signer, pem } = subject;
      expect(signer.kid).toBe(thumbprint(jwkFromPem(pem)));
      expect(await signer.sign(Buffer.from('m'))).toMatchObject({
        kid: signer.kid,
        algorithm: signer.algorithm,
      });
    });

    test('the signature has exactly the length of its algorithm', async () => {
      const { bytes } = await subject.signer.sign(Buffer.from('m'));
      expect(bytes).toHaveLength(ALGORITHMS[subject.signer.algorithm].signatureBytes);
    });

    test('signs deterministically: RFC 8017 §8.2.1, RFC 8032 §5.1.6', async () => {
      const [first, second] = await Promise.all([
        subject.signer.sign(Buffer.from('again')),
        subject.signer.sign(Buffer.from('again')),
      ]);
      expect(first.bytes).toEqual(second.bytes);
    });

    test('concurrent callers each get the signature of their own message', async () => {
      const messages = Array.from({ length: 25 }, (_, index) => Buffer.from(`message ${index}`));
      const signatures = await Promise.all(messages.map((message) => subject.signer.sign(message)));
      expect(
        messages.map((message, index) => verifies(message, signatures[index]?.bytes ?? Buffer.alloc(0))),
      ).toEqual(messages.map(() => true));
    });

    test('a message is not changed', async () => {
      const message = Buffer.from('unchanged');
      await subject.signer.sign(message);
      expect(message.toString()).toBe('unchanged');
    });
  });
}
