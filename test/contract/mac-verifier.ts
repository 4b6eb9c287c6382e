/**
 * What every adapter of the `MacVerifier` port does. Failures are the business of each adapter's own tests: only it
 * knows how its KMS fails.
 */

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MacVerifier } from '../../shared/ports/mac-verifier.ts';

export interface MacVerifierUnderTest {
  /** Over a new key into which this secret was imported. */
  verifierOf(secret: Uint8Array): Promise<MacVerifier>;
  /** The longest message that its KMS takes. */
  readonly maxMessageBytes: number;
  /** How often the KMS was asked to verify. */
  asked(): Promise<number>;
  close(): Promise<void>;
}

const SECRET = Buffer.from('a secret as operators wrote them');

/** Made here, without a KMS. */
const tagOf = (message: Uint8Array, secret: Uint8Array = SECRET) =>
  createHmac('sha256', secret).update(message).digest();

/** RFC 4231 §4.2, §4.3, §4.7 and §4.8: secrets of 20, 4 and 131 bytes. */
const RFC_4231 = [
  [
    'case 1',
    Buffer.alloc(20, 0x0b),
    'Hi There',
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  ],
  [
    'case 2',
    Buffer.from('Jefe'),
    'what do ya want for nothing?',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    'case 6',
    Buffer.alloc(131, 0xaa),
    'Test Using Larger Than Block-Size Key - Hash Key First',
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
  [
    'case 7',
    Buffer.alloc(131, 0xaa),
    'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
    '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
  ],
] as const;

/** Runs the suite over one adapter. */
export function macVerifierContract(name: string, start: () => Promise<MacVerifierUnderTest>): void {
  describe(`MAC verifier contract: ${name}`, () => {
    let subject: MacVerifierUnderTest;
    let verifier: MacVerifier;
    beforeAll(async () => {
      subject = await start();
      verifier = await subject.verifierOf(SECRET);
    });
    afterAll(() => subject?.close());

    const verify = (message: Uint8Array, mac: Uint8Array) => verifier.verify(message, mac);

    async function timesAsked(during: () => Promise<unknown>): Promise<number> {
      const before = await subject.asked();
      await during();
      return (await subject.asked()) - before;
    }

    test.each([
      ['one byte', Buffer.from('a')],
      ['text beyond ASCII', Buffer.from('{"owner":"Zoë 株式会社 🔑"}')],
      ['every byte value', Uint8Array.from({ length: 256 }, (_, index) => index)],
      ['a view into a larger buffer', new Uint8Array(64).fill(7).subarray(3, 20)],
    ])('accepts the HMAC-SHA-256 of %s under the imported secret', async (_, message) => {
      expect(await verify(message, tagOf(message))).toBe(true);
    });

    test('accepts a MAC that is a view into a larger buffer', async () => {
      const message = Buffer.from('m');
      const larger = Buffer.concat([Buffer.alloc(5, 1), tagOf(message), Buffer.alloc(5, 1)]);
      expect(await verify(message, larger.subarray(5, 37))).toBe(true);
    });

    test.each([0, 15, 31])('refuses a MAC of which one bit of byte %i is turned', async (index) => {
      const message = Buffer.from('one seat');
      const mac = tagOf(message);
      mac.writeUInt8(mac.readUInt8(index) ^ 1, index);
      expect(await verify(message, mac)).toBe(false);
    });

    test('refuses the MAC of another message, of another secret, and of another hash', async () => {
      const message = Buffer.from('one seat');
      const otherHash = createHmac('sha3-256', SECRET).update(message).digest();
      for (const mac of [
        tagOf(Buffer.from('two seats')),
        tagOf(message, Buffer.from('another')),
        otherHash,
        Buffer.alloc(32),
      ]) {
        expect(await verify(message, mac)).toBe(false);
      }
    });

    test('a MAC that is not 32 bytes is refused, and the KMS is not asked', async () => {
      const message = Buffer.from('m');
      const mac = tagOf(message);
      const wrong = [Buffer.alloc(0), mac.subarray(1), mac.subarray(0, 31), Buffer.concat([mac, mac])];
      const asked = await timesAsked(async () => {
        for (const bytes of wrong) expect(await verify(message, bytes)).toBe(false);
      });
      expect(asked).toBe(0);
    });

    test('the longest message is verified, and what no KMS takes is refused without asking', async () => {
      const longest = new Uint8Array(subject.maxMessageBytes).fill(0x5a);
      expect(await verify(longest, tagOf(longest))).toBe(true);
      const asked = await timesAsked(async () => {
        for (const message of [new Uint8Array(longest.length + 1), new Uint8Array()]) {
          expect(await verify(message, tagOf(message))).toBe(false);
        }
      });
      expect(asked).toBe(0);
    });

    test('concurrent callers each get the verdict on their own message', async () => {
      const messages = Array.from({ length: 24 }, (_, index) => Buffer.from(`message ${index}`));
      const isGenuine = (index: number) => index % 3 !== 0;
      const verdicts = await Promise.all(
        messages.map((message, index) =>
          verify(message, isGenuine(index) ? tagOf(message) : tagOf(Buffer.from('forged'))),
        ),
      );
      expect(verdicts).toEqual(messages.map((_, index) => isGenuine(index)));
    });

    test('the KMS is asked once for a verdict, whichever it is', async () => {
      const message = Buffer.from('once');
      expect(await timesAsked(() => verify(message, tagOf(message)))).toBe(1);
      expect(await timesAsked(() => verify(message, Buffer.alloc(32)))).toBe(1);
    });

    test('message and MAC are not changed', async () => {
      const message = Buffer.from('unchanged');
      const mac = tagOf(message);
      await verify(message, mac);
      expect([message.toString(), mac]).toEqual(['unchanged', tagOf(Buffer.from('unchanged'))]);
    });

    test.each(RFC_4231)(
      'verifies RFC 4231, test %s, with the secret that it gives',
      async (_, secret, data, mac) => {
        const other = await subject.verifierOf(secret);
        expect(await other.verify(Buffer.from(data), Buffer.from(mac, 'hex'))).toBe(true);
        expect(await other.verify(Buffer.from(`${data}.`), Buffer.from(mac, 'hex'))).toBe(false);
      },
    );
  });
}
