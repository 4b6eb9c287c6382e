/** Public keys in the list: which are taken, what is kept of them, and that no private key passes or is printed. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseSigningKeys } from '../../../infra/signing-keys.ts';
import { linesOf, PRIVATE_PEMS, PUBLIC_PEMS } from '../../support/private-pems.ts';
import { selfSigned } from '../../support/self-signed.ts';

const KEY = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1';
const ED = 'EC_SIGN_ED25519';
const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';
const SIGNER = { name: KEY, algorithm: ED };

const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const rsaOf = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).publicKey;
const rowsOf = (use: string, pem: string, algorithm: string): object[] =>
  use === 'verify'
    ? [SIGNER, { use, pem, algorithm, issuer: 'x', kid: 'old-1', sunset_at: '2030-01-01T00:00:00Z' }]
    : [
        SIGNER,
        { use, pem, algorithm, name: `${KEY}2`, state: 'compromised' },
        { ...SIGNER, name: `${KEY}3`, algorithm: RSA },
      ].slice(0, algorithm === RSA ? 3 : 2);

function complaint(rows: readonly object[]): string {
  try {
    parseSigningKeys(JSON.stringify(rows));
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the list was accepted');
}

const keptOf = (rows: readonly object[]) => {
  const kept = parseSigningKeys(JSON.stringify(rows))[1];
  return kept !== undefined && 'pem' in kept ? kept.pem : undefined;
};

describe.each(['verify', 'license'])('a key with "use": "%s"', (use) => {
  test.each(PRIVATE_PEMS)(
    'is refused with a private key, which is not printed: $what',
    ({ pem, algorithm }) => {
      const said = complaint(rowsOf(use, pem, algorithm));
      expect(said).toMatch(/^at 1\.pem: /);
      for (const line of linesOf(pem)) expect(said).not.toContain(line);
    },
  );

  test('is told that what it has is private', () => {
    const [{ pem, algorithm } = { pem: '', algorithm: ED }] = PRIVATE_PEMS;
    expect(complaint(rowsOf(use, pem, algorithm))).toBe(
      'at 1.pem: holds a private key, which must not be in the list; give the public key alone',
    );
  });

  test.each([
    ['a certificate', selfSigned().cert],
    ['two public keys', PUBLIC_PEMS.ed25519 + PUBLIC_PEMS.rsa],
    ['text before the key', `the key of 2019\n${PUBLIC_PEMS.ed25519}`],
    ['text after the key', `${PUBLIC_PEMS.ed25519}thanks`],
    ['a block without its end', PUBLIC_PEMS.ed25519.replace(/-----END.*/s, '')],
    ['a block with headers', PUBLIC_PEMS.ed25519.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n')],
    ['bytes that are no key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
    ['nothing', ''],
  ])('is refused with %s', (_, pem) => {
    expect(complaint(rowsOf(use, pem, ED))).toBe('at 1.pem: must be one public key in PEM, and nothing else');
  });

  test.each([1024, 2048, 3072])('is refused with an RSA key of %i bits', (bits) => {
    expect(complaint(rowsOf(use, spki(rsaOf(bits)), RSA))).toBe(
      `at 1.pem: is an RSA key of ${bits} bits, and ${RSA} takes 4096`,
    );
  });

  test.each<[string, KeyObject, string]>([
    ['RSA for Ed25519', createPublicKey(PUBLIC_PEMS.rsa), ED],
    ['Ed25519 for RSA', createPublicKey(PUBLIC_PEMS.ed25519), RSA],
    ['RSA-PSS for RSA', generateKeyPairSync('rsa-pss', { modulusLength: 4096 }).publicKey, RSA],
    ['Ed448 for Ed25519', generateKeyPairSync('ed448').publicKey, ED],
    ['X25519 for Ed25519', generateKeyPairSync('x25519').publicKey, ED],
    ['P-256 for Ed25519', generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, ED],
  ])('is refused with a key of another kind: %s', (_, key, algorithm) => {
    expect(complaint(rowsOf(use, spki(key), algorithm))).toBe('at 1.pem: is a key for another algorithm');
  });

  test.each<[string, string, string, string]>([
    ['SubjectPublicKeyInfo', PUBLIC_PEMS.ed25519, ED, PUBLIC_PEMS.ed25519],
    ['that of Windows', PUBLIC_PEMS.rsa.replaceAll('\n', '\r\n'), RSA, PUBLIC_PEMS.rsa],
    ['one with empty lines around', `\n\n${PUBLIC_PEMS.ed25519}\n  \n`, ED, PUBLIC_PEMS.ed25519],
    [
      'RSA PUBLIC KEY of PKCS #1',
      createPublicKey(PUBLIC_PEMS.rsa).export({ type: 'pkcs1', format: 'pem' }).toString(),
      RSA,
      PUBLIC_PEMS.rsa,
    ],
  ])('is kept as SubjectPublicKeyInfo: %s', (_, pem, algorithm, kept) => {
    expect(keptOf(rowsOf(use, pem, algorithm))).toBe(kept);
  });
});
