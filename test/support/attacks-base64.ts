/** Base64 that is truncated, padded or spelt in another way: one sequence of bytes has one spelling. */
import {
  type Attack,
  type Genuine,
  type InlineObject,
  inlineWith,
  openJws,
  partsOf,
  refusedWith,
  sealJws,
  signParts,
} from './attacks-forgery.ts';
import { base64url } from './signed-documents.ts';

type Respell = (text: string) => string;

const SPELLINGS: Readonly<Record<string, Respell>> = {
  'with four characters of padding': (text) => `${text}====`,
  'with a space inside': (text) => `${text.slice(0, 9)} ${text.slice(9)}`,
  'with a space after it': (text) => `${text} `,
  'with a line break after it': (text) => `${text}\n`,
  'with a line break every 64 characters': (text) => text.replace(/.{64}/g, '$&\r\n'),
  'with a NUL after it': (text) => `${text}\u0000`,
  'with bits after its last byte': (text) => text.replace(/[^=](?==*$)/, nextDigit),
  'with its last character escaped': (text) =>
    text.replace(/.$/, (last) => `%${last.charCodeAt(0).toString(16)}`),
  'with a character above U+FFFF after it': (text) => `${text}😀`,
  'with zeros after it, where no byte ends': (text) => {
    const digits = text.replace(/=+$/, '');
    return digits + 'A'.repeat((5 - (digits.length % 4)) % 4);
  },
  'truncated where no byte ends': (text) => text.replace(/=+$/, '').replace(/^((?:....)*.).{0,3}$/, '$1'),
};

const URL_SPELLINGS: Readonly<Record<string, Respell>> = {
  ...SPELLINGS,
  padded: (text) => text + '='.repeat((4 - (text.length % 4)) % 4),
};

const STANDARD_SPELLINGS: Readonly<Record<string, Respell>> = {
  ...SPELLINGS,
  'in the alphabet for URLs': (text) => text.replaceAll('+', '-').replaceAll('/', '_'),
  'without padding': (text) => text.replaceAll('=', ''),
  'with padding missing by one': (text) => text.slice(0, -1),
  'with padding too far': (text) => `${text}=`,
  twice: (text) => text + text,
};

/** The next digit of base64: it differs in its last bit, which the last byte does not use. */
function nextDigit(digit: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return digits.charAt(digits.indexOf(digit) + 1);
}

/** The same text with spaces after it, so that its base64 ends within a group: only then is there padding to add. */
export function unaligned(part: string): string {
  const text = Buffer.from(part, 'base64url').toString();
  return [text, `${text} `].map(base64url).find(({ length }) => length % 4 !== 0) ?? part;
}

/** A genuine JWS whose signature has characters that the alphabets differ in. */
export function jwsOfBothAlphabets({ document, key }: Genuine<string>): string {
  const { header, payload } = openJws(document);
  for (let nonce = 0; ; nonce += 1) {
    const candidate = sealJws(key, header, { ...payload, nonce: String(nonce) });
    if (/[-_]/.test(partsOf(candidate)[2])) return candidate;
  }
}

/** The same of an inline document. */
export function inlineOfBothAlphabets({ document, key }: Genuine<InlineObject>): InlineObject {
  for (let nonce = 0; ; nonce += 1) {
    const candidate = inlineWith(document, key, { nonce: String(nonce) });
    if (/[+/]/.test(candidate.signature)) return candidate;
  }
}

const MALFORMED = 'malformed_document';

export const SPELT_JWS: Attack<string>[] = [
  ...Object.entries(URL_SPELLINGS).flatMap(([name, respell]) =>
    refusedWith<string, typeof MALFORMED>(MALFORMED, {
      [`a signature ${name}`]: ({ document }) => {
        const [header, payload, signature] = partsOf(document);
        return [header, payload, respell(signature)].join('.');
      },
      [`a payload ${name}, signed so`]: ({ document, key }) => {
        const [header, payload] = partsOf(document);
        return signParts(key, `${header}.${respell(unaligned(payload))}`);
      },
      [`a header ${name}, signed so`]: ({ document, key }) => {
        const [header, payload] = partsOf(document);
        return signParts(key, `${respell(unaligned(header))}.${payload}`);
      },
    }),
  ),
  ...refusedWith<string, typeof MALFORMED>(MALFORMED, {
    'a signature in the standard alphabet': (genuine) => {
      const [header, payload, signature] = partsOf(jwsOfBothAlphabets(genuine));
      return [header, payload, signature.replaceAll('-', '+').replaceAll('_', '/')].join('.');
    },
  }),
];

export const SPELT_INLINE: Attack<InlineObject>[] = Object.entries(STANDARD_SPELLINGS).flatMap(
  ([name, respell]) =>
    refusedWith<InlineObject, typeof MALFORMED>(MALFORMED, {
      [`a signature ${name}`]: (genuine) => {
        const document = inlineOfBothAlphabets(genuine);
        return { ...document, signature: respell(document.signature) };
      },
    }),
);
