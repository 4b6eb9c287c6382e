/** Inline documents that were changed after signing, and what is no document in any format. */
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../shared/canonical/strict-json.ts';
import type { VerificationCode } from '../../../shared/verification.ts';
import { inlineOf, KINDS, textOf } from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

describe.each(KINDS)('an inline document of %s that is changed after signing', (kind) => {
  const whole = () => textOf(inlineOf(kind));
  const nested = '['.repeat(1000) + ']'.repeat(1000);
  const changes: [string, () => string, VerificationCode][] = [
    ['an integer becomes a float', () => whole().replace(':300,', ':300.0,'), 'malformed_document'],
    ['an integer gets an exponent', () => whole().replace(':300,', ':3e2,'), 'malformed_document'],
    ['an integer becomes text', () => whole().replace(':300,', ':"300",'), 'signature_invalid'],
    ['an integer becomes another', () => whole().replace(':300,', ':301,'), 'signature_invalid'],
    ['a member is repeated', () => whole().replace('{', '{"tier":"pro",'), 'malformed_document'],
    [
      'a member is repeated, escaped',
      () => whole().replace('{', '{"\\u0074ier":"pro",'),
      'malformed_document',
    ],
    [
      'a nested member is repeated',
      () => whole().replace('"customer":{', '"customer":{"id":"x",'),
      'malformed_document',
    ],
    ['the signature is repeated', () => whole().replace('{', '{"signature":"",'), 'malformed_document'],
    [
      'a member __proto__ is added',
      () => whole().replace('{', '{"__proto__":{"tier":"enterprise"},'),
      'signature_invalid',
    ],
    ['a member toJSON is added', () => whole().replace('{', '{"toJSON":null,'), 'signature_invalid'],
    [
      'a nested member is added',
      () => whole().replace('"customer":{', '"customer":{"a":1,'),
      'signature_invalid',
    ],
    ['a key gets another case', () => whole().replace('"tier"', '"Tier"'), 'signature_invalid'],
    ['the signature is null', () => textOf({ ...inlineOf(kind), signature: null }), 'document_unsigned'],
    [
      'the signature is in an array',
      () => textOf({ ...inlineOf(kind), signature: [inlineOf(kind).signature] }),
      'malformed_document',
    ],
    [
      'the algorithm is null',
      () => textOf({ ...inlineOf(kind), signature_algorithm: null }),
      'malformed_document',
    ],
    ['it is put in an array', () => `[${whole()}]`, 'malformed_document'],
    ['it is put in an object', () => `{"license_data":${whole()}}`, 'malformed_document'],
    ['it is put in a string', () => JSON.stringify(whole()), 'malformed_document'],
    ['it is written twice', () => whole() + whole(), 'malformed_document'],
    ['a member of depth 1000 is added', () => whole().replace('{', `{"a":${nested},`), 'malformed_document'],
    [
      'a member of depth 30 is added',
      () => whole().replace('{', `{"a":${nested.slice(970, 1030)},`),
      'signature_invalid',
    ],
  ];

  test.each(changes)('%s', async (_name, document, code) => {
    expect(document()).not.toBe(whole());
    expect(await verdict(document())).toBe(code);
  });

  test('an unsigned document that says so', async () => {
    const unsigned = { ...inlineOf(kind), signature: null };
    expect(await verdict(unsigned)).toBe('document_unsigned');
    expect(await verdict({ ...unsigned, signature_algorithm: null, kid: null })).toBe('document_unsigned');
  });

  test('any member is removed, repeated under another name, or added', async () => {
    const document = inlineOf(kind);
    for (const member of Object.keys(document)) {
      const { [member]: value, ...others } = document as Record<string, JsonValue>;
      expect(await verdict(others), `without ${member}`).not.toBe('valid');
      expect(await verdict({ ...others, [`${member}_`]: value ?? null }), `renamed ${member}`).not.toBe(
        'valid',
      );
      expect(await verdict({ ...document, [`${member}_`]: value ?? null }), `copied ${member}`).toBe(
        'signature_invalid',
      );
    }
  });
});

describe('what is no document at all', () => {
  const texts = [
    '',
    ' ',
    '.',
    '..',
    '...',
    'null',
    'true',
    '1',
    '""',
    '[]',
    '{}',
    '{',
    'undefined',
    '{"kid":1}',
    'a.b.c',
    '\u0000',
    '\ud800',
    '😀.😀.😀',
    '\ufeff{}',
    '='.repeat(100),
    '.'.repeat(100_000),
    '{"a":'.repeat(1000),
    '['.repeat(100_000),
    'e30.e30.',
    'e30.e30.e30',
  ];

  test.each(texts.map((text) => [text.slice(0, 20), text]))('the text %j', async (_shown, text) => {
    // A header {} is JSON but asks for no `typ` of ours.
    expect(await verdict(text)).toBe(text.startsWith('e30.') ? 'unsupported_header' : 'malformed_document');
  });

  const values: [string, unknown][] = [
    ['an array', []],
    ['an array of a text', ['a.b.c']],
    ['an empty object', {}],
    ['an object of depth 1000', JSON.parse(`${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`)],
    ['a number', 1],
    ['true', true],
    ['null', null],
    ['undefined', undefined],
  ];

  // Types forbid some of these; a caller in JavaScript, or one that casts the answer of a server, does not know.
  test.each(values)('the value %s', async (_name, value) => {
    expect(await verdict(value as object)).toBe('malformed_document');
  });
});
