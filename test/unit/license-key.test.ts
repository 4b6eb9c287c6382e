import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  generateDatatoolsKey,
  generateLicenseKey,
  isDatatoolsKey,
  isMistyped,
  normalizeLicenseKey,
} from '../../shared/license-key.ts';
import type { Random } from '../../shared/ports/random.ts';

const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** What a person's finger may hit instead, the characters that base32 leaves out included. */
const TYPEABLE = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

const fixed = (...bytes: number[]): Random => ({
  bytes: (length) => Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length] ?? 0),
});

/** Symbols 0 to 25 of the alphabet in their order, and the checksum of "DEMO" and them. */
const KEY = generateLicenseKey('DEMO', fixed(...Array.from({ length: 26 }, (_, i) => i)));

const keys = fc
  .record({
    prefix: fc.stringMatching(/^[A-Z][A-Z0-9]{1,11}$/),
    bytes: fc.uint8Array({ minLength: 26, maxLength: 26 }),
  })
  .map(({ prefix, bytes }) => ({ prefix, key: generateLicenseKey(prefix, fixed(...bytes)) }));

/** The checksum again, from its description: digits of base 37 modulo the largest prime below 2^20. */
function checksumOf(text: string): string {
  const sum =
    [...text].reduce((value, character) => value * 37n + BigInt(character.charCodeAt(0)), 0n) % 1_048_573n;
  return [15n, 10n, 5n, 0n].map((shift) => BASE32.charAt(Number((sum >> shift) & 31n))).join('');
}

const replaceAt = (text: string, at: number, by: string) => text.slice(0, at) + by + text.slice(at + 1);
const swapAt = (text: string, at: number) =>
  text.slice(0, at) + text.charAt(at + 1) + text.charAt(at) + text.slice(at + 2);

/** The outcome of a typing error: it is caught before a look-up, or it makes no difference. */
function outcome(typed: string, key: string): 'caught' | 'same key' | 'another key' {
  if (isMistyped(typed)) return 'caught';
  return normalizeLicenseKey(typed) === key ? 'same key' : 'another key';
}

describe('a generated key', () => {
  test('is prefix, 26 random symbols and 4 of checksum, in groups of five', () => {
    const symbols = '0123456789ABCDEFGHJKMNPQRS';
    const groups = [...`${symbols}${checksumOf(`DEMO${symbols}`)}`.matchAll(/.{5}/g)].map(String);
    expect(KEY).toBe(['DEMO', ...groups].join('-'));
  });

  test('takes five bits of each random byte: 130 in all', () => {
    const asked: number[] = [];
    const bytes = (length: number) => {
      asked.push(length);
      return new Uint8Array(length).fill(255);
    };
    expect(generateLicenseKey('AB', { bytes })).toMatch(/^AB-Z{5}-Z{5}-Z{5}-Z{5}-Z{5}-Z/);
    expect(asked).toEqual([26]);
    expect(generateLicenseKey('AB', fixed(31))).toBe(generateLicenseKey('AB', fixed(255)));
    expect(generateLicenseKey('AB', fixed(30))).not.toBe(generateLicenseKey('AB', fixed(31)));
  });

  test('has the checksum of its description, is intact and normal', () => {
    fc.assert(
      fc.property(keys, ({ prefix, key }) => {
        const symbols = key.slice(prefix.length + 1).replaceAll('-', '');
        expect(key).toMatch(/^[A-Z][A-Z0-9]{1,11}(-[0-9A-HJKMNP-TV-Z]{5}){6}$/);
        expect(symbols.slice(26)).toBe(checksumOf(prefix + symbols.slice(0, 26)));
        expect(isMistyped(key)).toBe(false);
        expect(normalizeLicenseKey(key)).toBe(key);
      }),
    );
  });

  test.each(['AB', 'DT1', 'ABCDEFGHIJKL', 'OIL0', 'UU'])('may have the prefix %s', (prefix) => {
    const key = generateLicenseKey(prefix, fixed(7));
    expect(key.startsWith(`${prefix}-77777-`)).toBe(true);
    expect(isMistyped(key)).toBe(false);
  });

  test.each(['', 'A', 'ABCDEFGHIJKLM', 'demo', '1AB', 'A-B', 'AB-', '-AB', 'A B', 'ÄB', 'AB\n'])(
    'may not have the prefix %j',
    (prefix) => {
      expect(() => generateLicenseKey(prefix, fixed(7))).toThrow(TypeError);
    },
  );
});

describe('however it is typed, a key is the same', () => {
  const body = KEY.slice(5);
  const typings: [string, string][] = [
    ['in lower case', KEY.toLowerCase()],
    ['in mixed case', KEY.replace(/[A-M]/g, (letter) => letter.toLowerCase())],
    ['with white space around it', `\t ${KEY}\r\n`],
    ['without hyphens between its groups', `DEMO-${body.replaceAll('-', '')}`],
    ['with a hyphen missing', `DEMO-${body.replace('-', '')}`],
    ['with hyphens elsewhere', `DEMO-${body.replaceAll('-', '').replace(/.{3}/g, '$&-')}`],
    ['with a hyphen after its end', `${KEY}-`],
    ['with the letter O for zero', `DEMO-${body.replaceAll('0', 'O')}`],
    ['with a small o for zero', `DEMO-${body.replaceAll('0', 'o')}`],
    ['with I for one', `DEMO-${body.replaceAll('1', 'I')}`],
    ['with a small i for one', `DEMO-${body.replaceAll('1', 'i')}`],
    ['with L for one', `DEMO-${body.replaceAll('1', 'L')}`],
    ['with a small l for one', `DEMO-${body.replaceAll('1', 'l')}`],
    ['without any hyphen', KEY.replaceAll('-', '')],
  ];

  test.each(typings)('%s', (_how, typed) => {
    expect(typed).not.toBe(KEY);
    expect(isMistyped(typed)).toBe(false);
    expect(normalizeLicenseKey(typed)).toBe(KEY);
  });

  test('in any mixture of these', () => {
    const looks: Record<string, string[]> = { 0: ['0', 'O', 'o'], 1: ['1', 'I', 'i', 'L', 'l'] };
    const typed = keys.chain(({ prefix, key }) => {
      const symbols = [...key.slice(prefix.length + 1).replaceAll('-', '')].map((symbol) =>
        fc
          .tuple(
            fc.constantFrom(...(looks[symbol] ?? [symbol, symbol.toLowerCase()])),
            fc.constantFrom('', '-'),
          )
          .map(([look, hyphen]) => look + hyphen),
      );
      return fc.tuple(...symbols).map((parts) => ({ key, typed: ` ${prefix}-${parts.join('')} ` }));
    });
    fc.assert(
      fc.property(typed, ({ key, typed: text }) => {
        expect(normalizeLicenseKey(text)).toBe(key);
        expect(isMistyped(text)).toBe(false);
      }),
    );
  });

  test('normalizing twice changes nothing', () => {
    const text = fc.oneof(
      keys.map(({ key }) => key.toLowerCase()),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (typed) => {
        const once = normalizeLicenseKey(typed);
        expect(normalizeLicenseKey(once)).toBe(once);
      }),
    );
  });
});

describe('a typing error', () => {
  const positions = Array.from(KEY, (_, at) => at).filter((at) => KEY[at] !== '-');

  test('of one symbol is caught or makes no difference, at every place and for every symbol', () => {
    const another = new Set<string>();
    for (const at of positions) {
      for (const by of BASE32) {
        if (KEY[at] === by || (at === 0 && /\d/.test(by))) continue;
        if (outcome(replaceAt(KEY, at, by), KEY) === 'another key') another.add(`${at}:${by}`);
      }
    }
    expect([...another]).toEqual([]);
  });

  test('of one letter that base32 leaves out is caught, unless it looks like the symbol', () => {
    const wrong = new Set<string>();
    for (const at of positions.filter((position) => position > 4)) {
      for (const [by, looksLike] of [
        ['O', '0'],
        ['I', '1'],
        ['L', '1'],
        ['U', ''],
      ] as const) {
        const expected = KEY[at] === looksLike ? 'same key' : 'caught';
        if (outcome(replaceAt(KEY, at, by), KEY) !== expected) wrong.add(by);
      }
    }
    expect([...wrong]).toEqual([]);
  });

  test('of two swapped neighbours is caught, at every place', () => {
    const missed = positions
      .filter((at) => KEY[at + 1] !== '-' && at + 1 < KEY.length && KEY[at] !== KEY[at + 1])
      .filter((at) => outcome(swapAt(KEY, at), KEY) !== 'caught');
    expect(missed).toEqual([]);
  });

  test('is caught in lower case and with white space around it', () => {
    const typed = ` ${swapAt(KEY, 6).toLowerCase()}\n`;
    expect(isMistyped(typed)).toBe(true);
    expect(normalizeLicenseKey(typed)).toBe(typed.trim());
  });

  test('of a symbol of any key is caught or makes no difference', () => {
    fc.assert(
      fc.property(
        keys,
        fc.nat(),
        fc.constantFrom(...TYPEABLE.replace('U', '')),
        ({ prefix, key }, place, by) => {
          const start = prefix.length + 1;
          const at = start + (place % (key.length - start));
          fc.pre(key[at] !== '-' && key[at] !== by);
          expect(outcome(replaceAt(key, at, by), key)).not.toBe('another key');
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('of two swapped neighbours of any key, across a group too, is caught', () => {
    fc.assert(
      fc.property(keys, fc.nat({ max: 28 }), ({ prefix, key }, at) => {
        const symbols = key.slice(prefix.length + 1).replaceAll('-', '');
        fc.pre(symbols[at] !== symbols[at + 1]);
        expect(isMistyped(`${prefix}-${swapAt(symbols, at)}`)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test('of the prefix is caught: the checksum covers it', () => {
    fc.assert(
      fc.property(
        keys,
        fc.nat(),
        fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
        ({ prefix, key }, place, by) => {
          const at = place % prefix.length;
          fc.pre(key[at] !== by);
          expect(isMistyped(replaceAt(key, at, by))).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('a key of another shape, which an operator brought', () => {
  const foreign = [
    '',
    'secret',
    'DT1-CORE-5dd8e1db-d90c4656',
    'CAIO-v2-acme-corp-eyJhIjoxfQ==.c2ln',
    'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee',
    `A-${'0'.repeat(30)}`,
    `1AB-${'0'.repeat(30)}`,
    `ABCDEFGHIJKLM-${'0'.repeat(30)}`,
    `DEMO-${'0'.repeat(29)}`,
    `DEMO-${'0'.repeat(31)}`,
    `DEMO--${'0'.repeat(30)}`,
    `DEMO_${'0'.repeat(30)}`,
    `DEMO-${'0'.repeat(29)}é`,
    'ключ-лицензии',
    '😀',
  ];

  test.each(foreign)('%j is taken as it is', (key) => {
    expect(normalizeLicenseKey(key)).toBe(key);
    expect(isMistyped(key)).toBe(false);
  });

  test('that has our shape by chance is still taken as it is, though it looks mistyped', () => {
    const key = `acme-${'0'.repeat(30)}`;
    expect(normalizeLicenseKey(key)).toBe(key);
    expect(isMistyped(key)).toBe(true);
  });
});

describe('a DataTools key', () => {
  const generated = fc.record({
    tier: fc.constantFrom('lite' as const, 'core' as const, 'pro' as const),
    bytes: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  });
  const keyOf = ({ tier, bytes }: { tier: 'lite' | 'core' | 'pro'; bytes: Uint8Array }) =>
    generateDatatoolsKey(tier, fixed(...bytes));

  test('is a tier and all digits of eight random bytes', () => {
    expect(generateDatatoolsKey('core', fixed(0x5d, 0xd8, 0xe1, 0xdb, 0xd9, 0x0c, 0x46, 0x56))).toBe(
      'DT1-CORE-5dd8e1db-d90c4656',
    );
  });

  test('is the same however it is typed, and never looks mistyped', () => {
    const typed = generated.chain((parts) => {
      const key = keyOf(parts);
      const look = (digit: string) =>
        fc.constantFrom(digit, digit.toUpperCase(), ...({ 0: ['O', 'o'], 1: ['I', 'l'] }[digit] ?? []));
      const [, tier = '', ...halves] = key.split('-');
      const digits = fc.tuple(...halves.join('').split('').map(look)).map((all) => all.join(''));
      return fc
        .tuple(fc.constantFrom('DT1', 'dt1', 'dtl'), fc.constantFrom('-', ''), digits)
        .map(([mark, hyphen, body]) => ({
          key,
          text: [mark, tier.toLowerCase(), body.slice(0, 8), body.slice(8)].join(hyphen),
        }));
    });
    fc.assert(
      fc.property(typed, ({ key, text }) => {
        expect(normalizeLicenseKey(` ${text}\n`)).toBe(key);
        expect(normalizeLicenseKey(key)).toBe(key);
        expect([isDatatoolsKey(text), isMistyped(text)]).toEqual([true, false]);
      }),
    );
  });

  test('of another digit or tier is another key: it has no checksum', () => {
    fc.assert(
      fc.property(generated, generated, (one, other) => {
        fc.pre(one.tier !== other.tier || one.bytes.join() !== other.bytes.join());
        expect(normalizeLicenseKey(keyOf(one))).not.toBe(normalizeLicenseKey(keyOf(other)));
      }),
    );
  });

  test.each([
    'DT1-TAKEN',
    'DT1-GOLD-5dd8e1db-d90c4656',
    'DT1-CORE-5dd8e1db-d90c465',
    'DT1-CORE-5dd8e1db-d90c46567',
    'DT1-CORE-5dd8e1dg-d90c4656',
    'DT2-CORE-5dd8e1db-d90c4656',
    'DT1-CORE-5dd8-e1db-d90c4656',
    'XDT1-CORE-5dd8e1db-d90c4656',
  ])('is not %j, which is taken as it is', (key) => {
    expect(isDatatoolsKey(key)).toBe(false);
    expect(normalizeLicenseKey(key)).toBe(key);
  });
});
