import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { jwkFromPem, thumbprint } from '../../../infra/kms/public-key.ts';

/** RFC 7638 §3.1. */
const RFC_7638 = {
  kid: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
  jwk: {
    kty: 'RSA',
    n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
    e: 'AQAB',
  },
} as const;

/** RFC 8037 appendices A.2 and A.3. */
const RFC_8037 = {
  kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
} as const;

describe.each([
  ['RFC 7638 §3.1', RFC_7638],
  ['RFC 8037 appendix A.3', RFC_8037],
])('%s', (_, { jwk, kid }) => {
  test('has its thumbprint', () => {
    expect(thumbprint(jwk)).toBe(kid);
  });

  test('keeps it with other members and another order', () => {
    expect(thumbprint({ ...jwk, ...{ alg: 'any', use: 'sig' } })).toBe(kid);
    expect(thumbprint(Object.fromEntries(Object.entries(jwk).reverse()) as unknown as typeof jwk)).toBe(kid);
  });

  test('comes back from its PEM', () => {
    const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    expect(jwkFromPem(pem.toString())).toEqual(jwk);
  });
});

test('a key of another type is refused', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  expect(() => jwkFromPem(pem)).toThrow('EC P-256 is not supported');
});

test('what is no PEM is refused', () => {
  expect(() => jwkFromPem('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----')).toThrow();
});
