import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSessionId, newGeneration, parseSessionId } from '../../shared/session-id.ts';

const LICENSE = '0123456789abcdef'.repeat(2);
const HARDWARE = 'a'.repeat(32);
const GENERATION = 'f0'.repeat(16);
const ID = `ses_${LICENSE}${HARDWARE}${GENERATION}`;

test('a session id is ses_, licence, hardware and generation', () => {
  expect(formatSessionId({ license: LICENSE, hardware: HARDWARE, generation: GENERATION })).toBe(ID);
  expect(parseSessionId(ID)).toEqual({ license: LICENSE, hardware: HARDWARE, generation: GENERATION });
});

test('what is formatted is read back', () => {
  const hash = fc.stringMatching(/^[0-9a-f]{32}$/);
  fc.assert(
    fc.property(fc.record({ license: hash, hardware: hash, generation: hash }), (address) => {
      expect(parseSessionId(formatSessionId(address))).toEqual(address);
    }),
  );
});

describe('junk is no session id', () => {
  const junk: [string, string][] = [
    ['nothing', ''],
    ['the prefix alone', 'ses_'],
    ['no prefix', ID.slice(4)],
    ['another prefix', ID.replace('ses_', 'lic_')],
    ['a prefix in upper case', ID.replace('ses_', 'SES_')],
    ['upper case', ID.toUpperCase()],
    ['one upper-case digit', ID.replace('a', 'A')],
    ['a digit too few', ID.slice(0, -1)],
    ['a digit too many', `${ID}0`],
    ['a digit that is none', `${ID.slice(0, -1)}g`],
    ['white space before', ` ${ID}`],
    ['white space after', `${ID} `],
    ['a line break after', `${ID}\n`],
    ['a second line', `x\n${ID}`],
    ['a NUL after', `${ID}\u0000`],
    ['a path', `ses_${'../'.repeat(32)}`],
    ['digits of another script', ID.replace(/\d/g, '١')],
    ['full-width digits', ID.replace('0', '０')],
    ['hyphens as in a UUID', `ses_${LICENSE}-${HARDWARE}-${GENERATION}`],
    ['a member of every object', '__proto__'],
  ];

  test.each(junk)('%s', (_name, text) => {
    expect(parseSessionId(text)).toBeUndefined();
  });

  test('a megabyte of digits, at once', () => {
    expect(parseSessionId(`ses_${'0'.repeat(1_000_000)}`)).toBeUndefined();
  });

  test('an edit of any character: another address or none, never the same', () => {
    fc.assert(
      fc.property(fc.nat({ max: ID.length - 1 }), fc.string({ maxLength: 2 }), (at, by) => {
        const edited = ID.slice(0, at) + by + ID.slice(at + 1);
        fc.pre(edited !== ID);
        const address = parseSessionId(edited);
        expect(address === undefined || formatSessionId(address) === edited).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});

test('a generation is 128 random bits in hex, with its leading zeros', () => {
  const asked: number[] = [];
  const bytes = (length: number) => {
    asked.push(length);
    return Uint8Array.from({ length }, (_, i) => i);
  };
  expect(newGeneration({ bytes })).toBe('000102030405060708090a0b0c0d0e0f');
  expect(newGeneration({ bytes: (length) => new Uint8Array(length).fill(255) })).toBe('f'.repeat(32));
  expect(asked).toEqual([16]);
});
