/** A compact JWS of any type whose header, claims or parts are not as an issuer writes them. */
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import {
  type Attack,
  type Make,
  openJws,
  partOf,
  partsOf,
  refusedWith,
  sealJws,
  signParts,
} from './attacks-forgery.ts';
import { HEADER_ATTACKS } from './attacks-headers.ts';
import { sorted, textOf } from './signed-documents.ts';

type Texts = (text: string, content: JsonObject) => string;

/** The header as another text, genuinely signed. */
const headerText =
  (change: Texts): Make<string> =>
  ({ document, key }) => {
    const { header, payload } = openJws(document);
    return sealJws(key, change(sorted(header), header), payload);
  };

/** The same of the payload. */
export const payloadText =
  (change: Texts): Make<string> =>
  ({ document, key }) => {
    const { header, payload } = openJws(document);
    return sealJws(key, header, change(sorted(payload), payload));
  };

const first = (text: string, member: string) => text.replace('{', `{${member},`);
const last = (text: string, member: string) => text.replace(/\}$/, `,${member}}`);
const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

const JSON_TEXTS = refusedWith<string, 'malformed_document'>('malformed_document', {
  'alg twice': headerText((text) => first(text, '"alg":"none"')),
  'alg twice, the false one last': headerText((text) => last(text, '"alg":"none"')),
  'alg twice, alike': headerText((text, { alg }) => first(text, `"alg":${JSON.stringify(alg)}`)),
  'kid twice': headerText((text) => first(text, '"kid":"x"')),
  'kid twice, once escaped': headerText((text) => first(text, '"k\\u0069d":"x"')),
  'typ twice': headerText((text) => first(text, '"typ":"JWT"')),
  'a claim twice': payloadText((text) => first(text, '"iss":"evil"')),
  'a claim twice, the false one last': payloadText((text) => last(text, '"iss":"evil"')),
  'a claim twice, alike': payloadText((text, { iss }) => first(text, `"iss":${JSON.stringify(iss)}`)),
  'a claim twice, once escaped': payloadText((text) => first(text, '"\\u0069ss":"evil"')),
  '__proto__ twice in the claims': payloadText((text) =>
    first(first(text, '"__proto__":1'), '"__proto__":2'),
  ),
  'a member of a claim twice': payloadText((text) => first(text, '"more":{"a":1,"a":2}')),
  'a payload null': payloadText(() => 'null'),
  'a payload that is empty': payloadText(() => ''),
  'a payload without members': payloadText(() => '{}'),
  'a payload in an array': payloadText((text) => `[${text}]`),
  'a payload as a text': payloadText((text) => JSON.stringify(text)),
  'a payload with a comment': payloadText((text) => `${text}//`),
  'a payload with a trailing comma': payloadText((text) => text.replace(/\}$/, ',}')),
  'a payload of depth 1000': payloadText((text) => first(text, `"more":${deep(1000)}`)),
  'a payload with 1e400': payloadText((text) => first(text, '"more":1e400')),
  'a payload with 2^53': payloadText((text) => first(text, '"more":9007199254740992')),
  'a payload with half a surrogate pair': payloadText((text) => first(text, '"more":"\\ud800"')),
  'a payload after a byte order mark': payloadText((text) => `\ufeff${text}`),
  'two payloads': payloadText((text) => text + text),
  'a payload in UTF-16': ({ document, key }) => {
    const { header, payload } = openJws(document);
    return signParts(key, `${partOf(header)}.${partOf(Buffer.from(sorted(payload), 'utf16le'))}`);
  },
  'a payload with a byte that is no UTF-8': ({ document, key }) => {
    const { header, payload } = openJws(document);
    const bytes = Buffer.from(first(sorted(payload), '"more":"\u00ff"'), 'latin1');
    return signParts(key, `${partOf(header)}.${partOf(bytes)}`);
  },
});

/** Puts another text for the same header or payload in the place of the signed one. */
const recoded =
  (part: 'header' | 'payload', change: Texts): Make<string> =>
  ({ document }) => {
    const opened = openJws(document);
    const [header, payload, signature] = partsOf(document);
    const changed = partOf(change(sorted(opened[part]), opened[part]));
    return (part === 'header' ? [changed, payload, signature] : [header, changed, signature]).join('.');
  };

const reversed = (content: JsonObject) => textOf(Object.fromEntries(Object.entries(content).toReversed()));

const RECODED = refusedWith<string, 'signature_invalid'>('signature_invalid', {
  'the payload with spaces': recoded('payload', (text) => text.replaceAll(',"', ', "')),
  'the payload with a line break after it': recoded('payload', (text) => `${text}\n`),
  'the payload with indentation': recoded('payload', (_, payload) => JSON.stringify(payload, null, 2)),
  'the payload in another order': recoded('payload', (_, payload) => reversed(payload)),
  'the payload with an escape': recoded('payload', (text) => text.replace('"iss"', '"\\u0069ss"')),
  'the payload with a number as a float': recoded('payload', (text) => text.replace(/("iat":\d+)/, '$1.0')),
  'the payload with another claim': recoded('payload', (_, payload) => sorted({ ...payload, exp: 9e12 })),
  'the payload with one more claim': recoded('payload', (text) => first(text, '"admin":true')),
  'the payload with a claim __proto__': recoded('payload', (text) => first(text, '"__proto__":{"a":1}')),
  'the header with a space': recoded('header', (text) => `${text} `),
  'the header in another order': recoded('header', (_, header) => reversed(header)),
  'the header with an escape': recoded('header', (text) => text.replace('"alg"', '"\\u0061lg"')),
});

const PARTS: Attack<string>[] = [
  ...refusedWith<string, 'malformed_document'>('malformed_document', {
    'one part': ({ document }) => partsOf(document)[0],
    'two parts': ({ document }) => partsOf(document).slice(0, 2).join('.'),
    'four parts': ({ document }) => `${document}.${partsOf(document)[2]}`,
    'four parts, the last one empty': ({ document }) => `${document}.`,
    'five parts, as encrypted ones have': ({ document }) => `${document}.AAAA.AAAA`,
    'no header': ({ document }) => document.replace(/^[^.]*/, ''),
    'no payload, as detached content': ({ document }) => document.replace(/\..*\./, '..'),
    'a header without its last four characters': ({ document }) => document.replace(/....\./, '.'),
    'a payload without its last four characters': ({ document }) => document.replace(/....\.(?=[^.]*$)/, '.'),
    'white space around it': ({ document }) => ` ${document} `,
    'other separators': ({ document }) => document.replaceAll('.', '\u2024'),
    'a Bearer prefix': ({ document }) => `Bearer ${document}`,
    'two of them': ({ document }) => `${document}\n${document}`,
    'the JSON serialization': ({ document }) => {
      const [header, payload, signature] = partsOf(document);
      return textOf({ protected: header, payload, signature });
    },
    'the general JSON serialization': ({ document }) => {
      const [header, payload, signature] = partsOf(document);
      return textOf({ payload, signatures: [{ protected: header, signature }] });
    },
    'as a JSON text': ({ document }) => JSON.stringify(document),
  }),
  ...refusedWith<string, 'unsupported_header'>('unsupported_header', {
    'header and payload swapped': ({ document }) => {
      const [header, payload, signature] = partsOf(document);
      return [payload, header, signature].join('.');
    },
    'an unencoded payload under b64, as RFC 7797 has it': ({ document, key }) => {
      const { header } = openJws(document);
      return signParts(key, `${partOf({ ...header, b64: false, crit: ['b64'] })}.payload`);
    },
  }),
];

/** What any compact JWS of ours has to stand, whatever its type. */
export const COMPACT: Attack<string>[] = [...HEADER_ATTACKS, ...JSON_TEXTS, ...RECODED, ...PARTS];
