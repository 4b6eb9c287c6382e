import { describe, expect, test } from 'vitest';
import { pythonJson, pythonJsonBytes } from '../../../shared/canonical/python-json.ts';
import { parseStrictJson } from '../../../shared/canonical/strict-json.ts';
import vectors from '../../vectors/python-json.json' with { type: 'json' };

describe('prints what Python prints', () => {
  test.each(vectors)('$name', ({ input, output_hex }) => {
    expect(Buffer.from(pythonJsonBytes(parseStrictJson(input))).toString('hex')).toBe(output_hex);
  });
});

describe('refuses what two languages would print differently', () => {
  test.each([
    ['a fraction', { limits: [1, 0.5] }, '/limits/1'],
    ['an unsafe integer', { n: 2 ** 53 }, '/n'],
    ['an unsafe negative integer', { n: -(2 ** 53) }, '/n'],
  ])('%s', (_name, value, pointer) => {
    expect(() => pythonJson(value)).toThrow(TypeError);
    expect(() => pythonJson(value)).toThrow(`'${pointer}'`);
  });
});
