/** Signatures that no key made over the document, or that it made by another scheme than its own. */
import { constants, createHash, privateEncrypt, sign } from 'node:crypto';
import type { AlgorithmName } from '../../shared/algorithms.ts';
import {
  type Attack,
  type Genuine,
  type InlineObject,
  openInline,
  openJws,
  signWith,
} from './attacks-forgery.ts';
import { base64url, RSA } from './signed-documents.ts';

interface Signed {
  readonly message: string;
  readonly signature: Buffer;
}

type Forge = (signed: Signed, keys: Genuine<unknown>) => Uint8Array;

const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest();

/** Refused by length or by arithmetic, whatever the algorithm. */
const FORGED: Readonly<Record<string, Forge>> = {
  empty: () => Buffer.alloc(0),
  'one zero byte': () => Buffer.alloc(1),
  'all zero': ({ signature }) => Buffer.alloc(signature.length),
  'all ones': ({ signature }) => Buffer.alloc(signature.length, 255),
  'the number one': ({ signature }) => Buffer.concat([Buffer.alloc(signature.length - 1), Buffer.of(1)]),
  'without its first byte': ({ signature }) => signature.subarray(1),
  'without its last byte': ({ signature }) => signature.subarray(0, -1),
  'half of it': ({ signature }) => signature.subarray(0, signature.length / 2),
  'with a byte before': ({ signature }) => Buffer.concat([Buffer.of(0), signature]),
  'with a byte after': ({ signature }) => Buffer.concat([signature, Buffer.of(0)]),
  twice: ({ signature }) => Buffer.concat([signature, signature]),
  reversed: ({ signature }) => Buffer.from(signature).reverse(),
  'of no message': (_, { key }) => signWith(key, ''),
  'of another document': (_, { key }) => signWith(key, 'another document'),
  'of the digest, as a message': ({ message }, { key }) => signWith(key, sha256(message)),
};

/** RFC 8032 §5.1.7: S has to be below the order of the group, or a signature has a twin. */
const ED25519_FORGED: Readonly<Record<string, Forge>> = {
  'with the order of the group added to S': ({ signature }) => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
    const bytes = Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse();
    return Buffer.concat([signature.subarray(0, 32), bytes]);
  },
  'with the neutral element for R, and S zero': () => Buffer.concat([Buffer.of(1), Buffer.alloc(63)]),
};

const DIGEST_INFO = '3031300d060960864801650304020105000420';
const DIGEST_INFO_WITHOUT_PARAMETERS = '302f300b06096086480165030402010420';

const digestInfo = (prefix: string, message: string) =>
  Buffer.concat([Buffer.from(prefix, 'hex'), sha256(message)]);

function block(info: Buffer, { type = 1, fill = 0xff } = {}): Buffer {
  return Buffer.concat([Buffer.of(0, type), Buffer.alloc(512 - 3 - info.length, fill), Buffer.of(0), info]);
}

const raw = ({ key }: Genuine<unknown>, bytes: Buffer) =>
  privateEncrypt({ key: key.private, padding: constants.RSA_NO_PADDING }, bytes);

/** The standard block (RFC 8017 §9.2), built by hand: the forged blocks differ from it in one thing each. */
export const handMadeRsaSignature: Forge = ({ message }, keys) =>
  raw(keys, block(digestInfo(DIGEST_INFO, message)));

/** The private key made them, but they are not RSASSA-PKCS1-v1_5 with SHA-256. */
const RSA_FORGED: Readonly<Record<string, Forge>> = {
  'with SHA-1': ({ message }, { key }) => sign('sha1', Buffer.from(message), key.private),
  'without DigestInfo': ({ message }, keys) => raw(keys, block(sha256(message))),
  'with a DigestInfo without parameters': ({ message }, keys) =>
    raw(keys, block(digestInfo(DIGEST_INFO_WITHOUT_PARAMETERS, message))),
  'with block type 2': ({ message }, keys) => raw(keys, block(digestInfo(DIGEST_INFO, message), { type: 2 })),
  'with padding of other bytes': ({ message }, keys) =>
    raw(keys, block(digestInfo(DIGEST_INFO, message), { fill: 0xfe })),
  'with short padding and garbage after the hash (Bleichenbacher 2006)': ({ message }, keys) => {
    const start = Buffer.from('0001ffffffffffffffff00', 'hex');
    const head = Buffer.concat([start, digestInfo(DIGEST_INFO, message)]);
    return raw(keys, Buffer.concat([head, Buffer.alloc(512 - head.length, 0xaa)]));
  },
};

function forgeries(kind: AlgorithmName): [string, Forge][] {
  return Object.entries({ ...FORGED, ...(kind === RSA ? RSA_FORGED : ED25519_FORGED) });
}

export function signedJws(genuine: Genuine<string>, forge: Forge): string {
  const opened = openJws(genuine.document);
  return `${opened.message}.${base64url(forge(opened, genuine))}`;
}

export function signedInline(genuine: Genuine<InlineObject>, forge: Forge): InlineObject {
  const signature = Buffer.from(forge(openInline(genuine.document), genuine)).toString('base64');
  return { ...genuine.document, signature };
}

export function jwsSignatures(kind: AlgorithmName): Attack<string>[] {
  return forgeries(kind).map(([name, forge]) => ({
    name: `a signature ${name}`,
    make: (genuine) => signedJws(genuine, forge),
    code: 'signature_invalid',
  }));
}

export function inlineSignatures(kind: AlgorithmName): Attack<InlineObject>[] {
  return forgeries(kind).map(([name, forge]) => ({
    name: `a signature ${name}`,
    make: (genuine) => signedInline(genuine, forge),
    code: 'signature_invalid',
  }));
}
