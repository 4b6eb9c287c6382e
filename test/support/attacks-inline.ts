/** Inline documents that were changed after signing, or written as JSON that two readers may understand differently. */
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import {
  type Attack,
  type Genuine,
  type InlineObject,
  inlineWith,
  type Make,
  openInline,
  refusedWith,
  sealInline,
  signWith,
} from './attacks-forgery.ts';
import { KIDS_OF_ANOTHER_TYPE, UNKNOWN_KIDS } from './attacks-headers.ts';
import { caioPayload, dtlic2Terms } from './issued-licenses.ts';
import { base64url, textOf } from './signed-documents.ts';

const shown = (kid: unknown) => JSON.stringify(kid)?.slice(0, 40);

const KIDS: Attack<InlineObject>[] = [
  ...UNKNOWN_KIDS.map((kid) => ({
    name: `the kid ${shown(kid)}, signed so`,
    make: ({ document, key }: Genuine<InlineObject>) => inlineWith(document, key, { kid }),
    code: 'unknown_key' as const,
  })),
  ...KIDS_OF_ANOTHER_TYPE.map((kid) => ({
    name: `the kid ${shown(kid)}, which is no text`,
    make: ({ document, key }: Genuine<InlineObject>) => inlineWith(document, key, { kid }),
    code: 'malformed_document' as const,
  })),
  ...refusedWith<InlineObject, 'unknown_key'>('unknown_key', {
    'the kid of the stranger who signed': ({ document, stranger }) =>
      inlineWith(document, stranger, { kid: stranger.kid }),
  }),
];

/** Members that a header would have: an inline document has none, so they are members like others. */
const ADDED: Readonly<Record<string, (genuine: Genuine<InlineObject>) => object>> = {
  jwk: ({ key }) => ({ jwk: key.private.export({ format: 'jwk' }).x ?? '' }),
  jku: () => ({ jku: 'https://evil.test/jwks.json' }),
  x5c: () => ({ x5c: ['AAAA'] }),
  crit: () => ({ crit: ['exp'] }),
  'alg none': () => ({ alg: 'none' }),
  'a member toJSON': () => ({ toJSON: null }),
  'a member __proto__': () => JSON.parse('{"__proto__":{"tier":"enterprise"}}') as object,
};

const MEMBERS = Object.entries(ADDED).flatMap(([name, membersOf]) =>
  refusedWith<InlineObject, 'signature_invalid'>('signature_invalid', {
    [`${name} is added`]: (genuine) => ({ ...genuine.document, ...membersOf(genuine) }),
    [`${name} is added by a stranger, who signs it`]: (genuine) =>
      inlineWith(genuine.document, genuine.stranger, membersOf(genuine)),
  }),
);

type Change = (text: string, document: InlineObject) => string;

const asText =
  (change: Change): Make<InlineObject> =>
  ({ document }) =>
    change(textOf(document), document);

const first = (text: string, member: string) => text.replace('{', `{${member},`);
const last = (text: string, member: string) => text.replace(/\}$/, `,${member}}`);
const inCustomer = (text: string, member: string) => text.replace('"customer":{', `"customer":{${member},`);
const seconds = (text: string, literal: string) => text.replace(/("heartbeat_seconds":)\d+/, `$1${literal}`);
const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

const JSON_TEXTS = refusedWith<InlineObject, 'malformed_document'>('malformed_document', {
  'a member twice': asText((text) => first(text, '"tier":"enterprise"')),
  'a member twice, the false one last': asText((text) => last(text, '"tier":"enterprise"')),
  'a member twice, alike': asText((text, { tier }) => first(text, `"tier":${JSON.stringify(tier)}`)),
  'a member twice, once escaped': asText((text) => first(text, '"\\u0074ier":"enterprise"')),
  'a nested member twice': asText((text) => inCustomer(text, '"id":"x"')),
  'kid twice': asText((text) => first(text, '"kid":"x"')),
  'the signature twice': asText((text) => first(text, '"signature":""')),
  'the algorithm twice': asText((text) => first(text, '"signature_algorithm":"none"')),
  'an integer as a float': asText((text) => seconds(text, '300.0')),
  'an integer with an exponent': asText((text) => seconds(text, '3e2')),
  'an integer with a leading zero': asText((text) => seconds(text, '0300')),
  'an integer that becomes minus zero': asText((text) => seconds(text, '-0')),
  'an integer that becomes NaN': asText((text) => seconds(text, 'NaN')),
  'a number beyond a double': asText((text) => first(text, '"more":1e400')),
  'a number that a double rounds': asText((text) => first(text, '"more":9007199254740993')),
  'half a surrogate pair': asText((text) => first(text, '"more":"\\ud800"')),
  'a member of depth 1000': asText((text) => first(text, `"more":${deep(1000)}`)),
  'a byte order mark before it': asText((text) => `\ufeff${text}`),
  'a comment after it': asText((text) => `${text}//`),
  'a trailing comma': asText((text) => text.replace(/\}$/, ',}')),
  'single quotes': asText((text) => text.replaceAll('"', "'")),
  'twice, one after the other': asText((text) => text + text),
  'in an array': asText((text) => `[${text}]`),
  'in an object': asText((text) => `{"license_data":${text}}`),
  'as a JSON text': asText((text) => JSON.stringify(text)),
  'as base64': asText((text) => base64url(text)),
  'truncated by a character': asText((text) => text.slice(0, -1)),
});

const SHAPES = refusedWith<InlineObject, 'malformed_document'>('malformed_document', {
  'the signature is missing': ({ document: { signature: _, ...others } }) => others,
  'the signature in an array': ({ document }) => ({ ...document, signature: [document.signature] }),
  'the signature as a number': ({ document }) => ({ ...document, signature: 0 }),
  'the algorithm is missing': ({ document: { signature_algorithm: _, ...others } }) => others,
  'the algorithm null': ({ document }) => ({ ...document, signature_algorithm: null }),
  'the algorithm in an array': ({ document }) => ({
    ...document,
    signature_algorithm: [document.signature_algorithm],
  }),
});

/** The key signs bare JSON for other formats too: what it signed there says other things. */
const CROSSED = refusedWith<InlineObject, 'malformed_document'>('malformed_document', {
  'a DTLIC2 licence': ({ key }) => sealInline(key, { ...dtlic2Terms(), kid: key.kid }),
  'a CAIO licence': ({ key }) => sealInline(key, caioPayload()),
  'a CAIO licence with a kid': ({ key }) => sealInline(key, { ...caioPayload(), kid: key.kid }),
  'the payload of a key manifest': ({ key }) =>
    sealInline(key, { iss: 'x', iat: 1, exp: 9e9, version: 1, keys: [], kid: key.kid }),
});

const UNSIGNED = refusedWith<InlineObject, 'document_unsigned'>('document_unsigned', {
  'the signature null': ({ document }) => ({ ...document, signature: null }),
  'signature, algorithm and kid null': ({ document }) => ({
    ...document,
    signature: null,
    signature_algorithm: null,
    kid: null,
  }),
});

/** What another encoder makes of the same document without meaning to: other values, or other names. */
const CHANGED = refusedWith<InlineObject, 'signature_invalid'>('signature_invalid', {
  'another tier': ({ document }) => ({ ...document, tier: 'enterprise' }),
  'a later end': ({ document }) => ({ ...document, expires_at: '2099-01-01T00:00:00.000+00:00' }),
  'one more feature': ({ document }) => ({
    ...document,
    features: [...(document.features as string[]), 'admin'],
  }),
  'features in another order': ({ document }) => ({
    ...document,
    features: (document.features as string[]).toReversed(),
  }),
  'an integer that becomes another': asText((text) => seconds(text, '301')),
  'an integer that becomes text': asText((text) => seconds(text, '"300"')),
  'the customer in decomposed Unicode': asText((text) => text.normalize('NFD')),
  'the customer without accents': asText((text) => text.normalize('NFD').replace(/[\u0300-\u036f]/g, '')),
  'a nested member is added': asText((text) => inCustomer(text, '"a":1')),
  'a name in another case': asText((text) => text.replace('"tier"', '"Tier"')),
  'a member of depth 30': asText((text) => first(text, `"more":${deep(30)}`)),
  'the signature over its JSON as it was sent': ({ document, key }) => {
    const { members } = openInline(document);
    return { ...document, signature: signWith(key, JSON.stringify(members, null, 1)).toString('base64') };
  },
  'the signature over the claims of a JWS': ({ document, key }) => {
    const header = base64url(textOf({ alg: key.alg, kid: key.kid, typ: 'license+jwt' }));
    const claims: JsonObject = openInline(document).members;
    const message = `${header}.${base64url(textOf(claims))}`;
    return { ...document, signature: signWith(key, message).toString('base64') };
  },
});

export const INLINE: Attack<InlineObject>[] = [
  ...KIDS,
  ...MEMBERS,
  ...JSON_TEXTS,
  ...SHAPES,
  ...CROSSED,
  ...UNSIGNED,
  ...CHANGED,
];
