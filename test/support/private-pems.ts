/** Private keys as an operator might paste them for a public one, each with the bytes that must stay secret. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';

export interface PrivatePem {
  readonly what: string;
  readonly algorithm: 'EC_SIGN_ED25519' | 'RSA_SIGN_PKCS1_4096_SHA256';
  readonly pem: string;
}

const ed25519 = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 4096 });
const other = generateKeyPairSync('ed25519');

export const PUBLIC_PEMS = { ed25519: spki(ed25519.publicKey), rsa: spki(rsa.publicKey) } as const;

const ED_PRIVATE = text(ed25519.privateKey, 'pkcs8');

export const PRIVATE_PEMS: readonly PrivatePem[] = [
  { what: 'PKCS #8, Ed25519', algorithm: 'EC_SIGN_ED25519', pem: ED_PRIVATE },
  {
    what: 'PKCS #8, RSA',
    algorithm: 'RSA_SIGN_PKCS1_4096_SHA256',
    pem: text(rsa.privateKey, 'pkcs8'),
  },
  { what: 'PKCS #1', algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', pem: text(rsa.privateKey, 'pkcs1') },
  {
    what: 'a private key after the public one',
    algorithm: 'EC_SIGN_ED25519',
    pem: PUBLIC_PEMS.ed25519 + ED_PRIVATE,
  },
  {
    what: 'a private key before the public one',
    algorithm: 'EC_SIGN_ED25519',
    pem: ED_PRIVATE + PUBLIC_PEMS.ed25519,
  },
  {
    what: 'a private key after the public one of another',
    algorithm: 'EC_SIGN_ED25519',
    pem: spki(other.publicKey) + ED_PRIVATE,
  },
  {
    what: 'a private key in a block that says public',
    algorithm: 'EC_SIGN_ED25519',
    pem: ED_PRIVATE.replaceAll('PRIVATE', 'PUBLIC'),
  },
];

/** The lines of base64 in a PEM: what must not be printed. */
export const linesOf = (pem: string) => pem.split('\n').filter((line) => /^[\w+/=]{16,}$/.test(line));

function spki(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function text(key: KeyObject, type: 'pkcs8' | 'pkcs1'): string {
  return key.export({ type, format: 'pem' }).toString();
}
