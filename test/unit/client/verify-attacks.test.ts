/** Offline verification against forged signatures and confused algorithms. No forgery is accepted; the controls are. */
import { constants, createHash, createHmac, privateEncrypt, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS } from '../../../shared/algorithms.ts';
import { importVerificationKey } from '../../../shared/client/verify.ts';
import { documentPayload } from '../../support/records.ts';
import {
  base64url,
  claimsOf,
  ED,
  headerOf,
  inlineOf,
  jwsOf,
  KINDS,
  keys,
  newKeyPair,
  RSA,
  replaceAt,
  resign,
  signatureOf,
  sorted,
  testKey,
  textOf,
  trusted,
} from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

describe.each(KINDS)('algorithm confusion with a key of %s', (kind) => {
  const other = kind === ED ? RSA : ED;
  const own = kind === ED ? 'EdDSA' : 'RS256';
  const algorithms = [
    'EdDSA',
    'RS256',
    'none',
    'None',
    'NONE',
    'HS256',
    'HS384',
    'HS512',
    'ES256',
    'ES384',
    'PS256',
    'RS384',
    'RS512',
    'Ed25519',
    'eddsa',
    'rs256',
    '',
    ' ',
    `${own} `,
    '__proto__',
    'constructor',
  ];

  // Signed by the key itself over this very header: only the disagreement refuses it.
  test.each(algorithms.filter((alg) => alg !== own))('a header that says %j', async (alg) => {
    const header = headerOf(kind, { alg });
    expect(await verdict(jwsOf(kind, { header }))).toBe('algorithm_mismatch');
    const [head, payload] = jwsOf(kind, { header }).split('.');
    expect(await verdict(`${head}.${payload}.`)).toBe('algorithm_mismatch');
  });

  test.each(['HS256', 'HS384', 'HS512', own])(
    'a MAC with the public key as its secret, as %s',
    async (alg) => {
      const hashes: Record<string, string> = { HS384: 'sha384', HS512: 'sha512' };
      const parts = `${base64url(headerOf(kind, { alg }))}.${base64url(claimsOf(documentPayload()))}`;
      const { x, n } = keys[kind].jwk as { x?: string; n?: string };
      const secrets = [keys[kind].pem, keys[kind].pem.trim(), Buffer.from(x ?? n ?? '', 'base64url'), ''];
      for (const secret of secrets) {
        const mac = createHmac(hashes[alg] ?? 'sha256', secret)
          .update(parts)
          .digest();
        const expected = alg === own ? 'signature_invalid' : 'algorithm_mismatch';
        expect(await verdict(`${parts}.${base64url(mac)}`)).toBe(expected);
        const filled = Buffer.alloc(ALGORITHMS[kind].signatureBytes, mac);
        expect(await verdict(`${parts}.${base64url(filled)}`)).toBe(expected);
      }
    },
  );

  test('the kid of the other key', async () => {
    const kid = keys[other].kid;
    // The algorithm of the key that signed, and the one of the key that is named.
    expect(await verdict(jwsOf(kind, { header: headerOf(kind, { kid }) }))).toBe('algorithm_mismatch');
    expect(await verdict(jwsOf(kind, { header: headerOf(other) }))).toBe('signature_invalid');
    expect(await verdict(inlineOf(kind, { kid }))).toBe('algorithm_mismatch');
    expect(await verdict({ ...inlineOf(kind, { kid }), signature_algorithm: other })).toBe(
      'signature_invalid',
    );
  });

  test('the kid of another key of the same algorithm', async () => {
    const stranger = testKey(kind, await newKeyPair[kind]());
    const strangerKey = { ...(await importVerificationKey(stranger.jwk)), kid: 'stranger' };
    const header = headerOf(kind, { kid: 'stranger' });
    expect(await verdict(jwsOf(kind, { header }), { keys: [...trusted, strangerKey] })).toBe(
      'signature_invalid',
    );
    expect(await verdict(inlineOf(kind, { kid: 'stranger' }), { keys: [...trusted, strangerKey] })).toBe(
      'signature_invalid',
    );
  });

  test.each([
    other,
    'RS256',
    'EdDSA',
    'none',
    '',
    kind.toLowerCase(),
    `${kind} `,
    '__proto__',
    'constructor',
  ])('an inline document that says %j', async (claimed) => {
    const document = { ...inlineOf(kind), signature_algorithm: claimed };
    expect(await verdict(textOf(document))).toBe('algorithm_mismatch');
    expect(await verdict({ ...document, signature: '' })).toBe('algorithm_mismatch');
  });
});

describe.each(KINDS)('a signature of %s', (kind) => {
  const size = ALGORITHMS[kind].signatureBytes;
  const changes: [string, (signature: Buffer) => Uint8Array][] = [
    ['empty', () => Buffer.alloc(0)],
    ['one zero byte', () => Buffer.alloc(1)],
    ['all zero', () => Buffer.alloc(size)],
    ['all ones', () => Buffer.alloc(size, 255)],
    ['the number one', () => Buffer.concat([Buffer.alloc(size - 1), Buffer.of(1)])],
    ['without its first byte', (signature) => signature.subarray(1)],
    ['without its last byte', (signature) => signature.subarray(0, -1)],
    ['half of it', (signature) => signature.subarray(0, size / 2)],
    ['with a byte before', (signature) => Buffer.concat([Buffer.of(0), signature])],
    ['with a byte after', (signature) => Buffer.concat([signature, Buffer.of(0)])],
    ['twice', (signature) => Buffer.concat([signature, signature])],
    ['reversed', (signature) => Buffer.from(signature).reverse()],
    ['of no message', () => signatureOf(kind, '')],
    ['of another document', () => signatureOf(kind, 'another document')],
    [
      'of the hash of the message',
      (signature) => signatureOf(kind, createHash('sha256').update(signature).digest()),
    ],
    ['of the other key', () => signatureOf(kind === ED ? RSA : ED, 'x')],
  ];

  test.each(changes)('%s', async (_name, change) => {
    expect(await verdict(resign(jwsOf(kind), change))).toBe('signature_invalid');
    expect(await verdict(resign(inlineOf(kind), change))).toBe('signature_invalid');
  });

  test('that is the same makes the same document: the rows above differ in nothing else', async () => {
    const same = (signature: Buffer) => signature;
    expect(await verdict(resign(jwsOf(kind), same))).toBe('valid');
    expect(await verdict(resign(inlineOf(kind), same))).toBe('valid');
  });

  test('of one format does not fit the other', async () => {
    const [header, payload] = jwsOf(kind).split('.');
    const inline = inlineOf(kind);
    const ofInline = base64url(Buffer.from(inline.signature, 'base64'));
    expect(await verdict(`${header}.${payload}.${ofInline}`)).toBe('signature_invalid');
    const ofJws = signatureOf(kind, `${header}.${payload}`).toString('base64');
    expect(await verdict({ ...inline, signature: ofJws })).toBe('signature_invalid');
  });

  const spellings: [string, (text: string) => string][] = [
    ['padded', (text) => text + '='.repeat((4 - (text.length % 4)) % 4)],
    ['padded too far', (text) => `${text}====`],
    ['with a space', (text) => `${text.slice(0, 9)} ${text.slice(9)}`],
    ['with a space after', (text) => `${text} `],
    ['with a line break after', (text) => `${text}\n`],
    ['with a line break every 64', (text) => text.replace(/.{64}/g, '$&\r\n')],
    ['with a NUL after', (text) => `${text}\u0000`],
    ['with bits after the last byte', (text) => replaceAt(text, text.length - 1, nextDigit(text.at(-1)))],
    ['in the standard alphabet', (text) => text.replaceAll('-', '+').replaceAll('_', '/')],
    ['escaped for a URL', (text) => text.replace(/.$/, (last) => `%${last.charCodeAt(0).toString(16)}`)],
    ['with a character above U+FFFF', (text) => `${text}😀`],
  ];

  test.each(spellings)('of a JWS %s', async (_name, respell) => {
    const [header, payload] = jwsOf(kind).split('.');
    const signature = signatureWith(/[-_]/);
    expect(respell(signature.text)).not.toBe(signature.text);
    expect(await verdict(signature.document)).toBe('valid');
    expect(await verdict(signature.document.replace(signature.text, respell(signature.text)))).toBe(
      'malformed_document',
    );
    expect(await verdict(`${header}.${payload}.${respell(signature.text)}`)).toBe('malformed_document');
  });

  const inlineSpellings: [string, (text: string) => string][] = [
    ['in the URL alphabet', (text) => text.replaceAll('+', '-').replaceAll('/', '_')],
    ['without padding', (text) => text.replaceAll('=', '')],
    ['with padding missing by one', (text) => text.slice(0, -1)],
    ['with padding too far', (text) => `${text}=`],
    ['with four more of padding', (text) => `${text}====`],
    ['with a space', (text) => `${text.slice(0, 9)} ${text.slice(9)}`],
    ['with a line break after', (text) => `${text}\n`],
    ['with a line break every 64', (text) => text.replace(/.{64}/g, '$&\r\n')],
    ['with bits after the last byte', (text) => text.replace(/[^=](?==+$)/, (last) => nextDigit(last))],
    ['of two, one after the other', (text) => text + text],
  ];

  test.each(inlineSpellings)('of an inline document %s', async (_name, respell) => {
    // A nonce is found whose signature holds both characters that the alphabets differ in.
    for (let nonce = 0; ; nonce += 1) {
      const document = inlineOf(kind, { nonce: String(nonce) });
      if (!document.signature.includes('+') && !document.signature.includes('/')) continue;
      const signature = respell(document.signature);
      expect(signature).not.toBe(document.signature);
      expect(await verdict({ ...document, signature })).toBe('malformed_document');
      expect(await verdict(textOf({ ...document, signature }))).toBe('malformed_document');
      return;
    }
  });

  /** A document whose signature matches, by trying nonces. */
  function signatureWith(pattern: RegExp): { document: string; text: string } {
    for (let nonce = 0; ; nonce += 1) {
      const document = jwsOf(kind, { payload: claimsOf(documentPayload({ nonce: String(nonce) })) });
      const text = document.split('.')[2] ?? '';
      if (pattern.test(text)) return { document, text };
    }
  }

  /** The next digit of base64: it differs in its last bit, which the last byte does not use. */
  function nextDigit(digit = ''): string {
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
    return digits.charAt(digits.indexOf(digit) + 1);
  }
});

test('Ed25519: the same signature with the group order added to S is refused (RFC 8032 §5.1.7)', async () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const malleable = (signature: Buffer) => {
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
    const bytes = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse();
    return Buffer.concat([signature.subarray(0, 32), bytes]);
  };
  expect(await verdict(resign(jwsOf(ED), malleable))).toBe('signature_invalid');
  expect(await verdict(resign(inlineOf(ED), malleable))).toBe('signature_invalid');
});

describe('RSA: the private key signs, but not RSASSA-PKCS1-v1_5 with SHA-256', () => {
  const SHA256 = '3031300d060960864801650304020105000420';
  const SHA256_WITHOUT_NULL = '302f300b0609608648016503040201' + '0420';
  const padded = (info: Buffer, blockType = 1, fill = 0xff) =>
    Buffer.concat([Buffer.of(0, blockType), Buffer.alloc(512 - 3 - info.length, fill), Buffer.of(0), info]);
  const raw = (block: Buffer) =>
    privateEncrypt({ key: keys[RSA].private, padding: constants.RSA_NO_PADDING }, block);
  const digestInfo = (prefix: string, message: string) =>
    Buffer.concat([Buffer.from(prefix, 'hex'), createHash('sha256').update(message).digest()]);

  const forgeries: [string, (message: string) => Buffer][] = [
    ['SHA-1', (message) => sign('sha1', Buffer.from(message), keys[RSA].private)],
    ['SHA-512', (message) => sign('sha512', Buffer.from(message), keys[RSA].private)],
    [
      'PSS',
      (message) =>
        sign('sha256', Buffer.from(message), {
          key: keys[RSA].private,
          padding: constants.RSA_PKCS1_PSS_PADDING,
        }),
    ],
    ['no DigestInfo', (message) => raw(padded(createHash('sha256').update(message).digest()))],
    ['a DigestInfo without parameters', (message) => raw(padded(digestInfo(SHA256_WITHOUT_NULL, message)))],
    ['block type 2', (message) => raw(padded(digestInfo(SHA256, message), 2))],
    ['padding of other bytes', (message) => raw(padded(digestInfo(SHA256, message), 1, 0xfe))],
    [
      'short padding and garbage after the hash (Bleichenbacher 2006)',
      (message) => {
        const head = Buffer.concat([
          Buffer.from('0001ffffffffffffffff00', 'hex'),
          digestInfo(SHA256, message),
        ]);
        return raw(Buffer.concat([head, Buffer.alloc(512 - head.length, 0xaa)]));
      },
    ],
    [
      'the digest signed as a message',
      (message) => signatureOf(RSA, createHash('sha256').update(message).digest()),
    ],
  ];

  test.each(forgeries)('%s', async (_name, forge) => {
    const parts = jwsOf(RSA).split('.').slice(0, 2).join('.');
    expect(await verdict(`${parts}.${base64url(forge(parts))}`)).toBe('signature_invalid');
    const { signature: _, signature_algorithm: __, ...signed } = inlineOf(RSA);
    const signature = forge(sorted(signed)).toString('base64');
    expect(await verdict({ ...inlineOf(RSA), signature })).toBe('signature_invalid');
  });

  test('the construction is right: the standard block is accepted', async () => {
    const parts = jwsOf(RSA).split('.').slice(0, 2).join('.');
    expect(await verdict(`${parts}.${base64url(raw(padded(digestInfo(SHA256, parts))))}`)).toBe('valid');
  });

  test('a signature of a registered key of 2048 bits is too short', async () => {
    const small = testKey(RSA, await newKeyPair[RSA](2048));
    const [header, payload] = [base64url(headerOf(RSA)), base64url(claimsOf(documentPayload()))];
    const signature = sign('sha256', Buffer.from(`${header}.${payload}`), small.private);
    const key = await importVerificationKey(small.jwk);
    expect(await verdict(`${header}.${payload}.${base64url(signature)}`, { keys: [key] })).toBe(
      'signature_invalid',
    );
  });
});
