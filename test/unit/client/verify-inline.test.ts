/** Inline documents without one of their members, and what is no document in any format. */
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../shared/canonical/strict-json.ts';
import { inlineOf, KINDS } from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

describe.each(KINDS)('an inline document of %s that is changed after signing', (kind) => {
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
