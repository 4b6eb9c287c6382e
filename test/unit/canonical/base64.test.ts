import { describe, expect, test } from 'vitest';
import {
  base64Decode,
  base64Encode,
  base64urlDecode,
  base64urlEncode,
} from '../../../shared/canonical/base64.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

/** RFC 4648 §10. */
const PUBLISHED = [
  ['', '', ''],
  ['f', 'Zg==', 'Zg'],
  ['fo', 'Zm8=', 'Zm8'],
  ['foo', 'Zm9v', 'Zm9v'],
  ['foob', 'Zm9vYg==', 'Zm9vYg'],
  ['fooba', 'Zm9vYmE=', 'Zm9vYmE'],
  ['foobar', 'Zm9vYmFy', 'Zm9vYmFy'],
] as const;

test.each(PUBLISHED)('%j is %s', (text, standard, url) => {
  expect(base64Encode(utf8(text))).toBe(standard);
  expect(base64urlEncode(utf8(text))).toBe(url);
  expect(base64Decode(standard)).toEqual(utf8(text));
  expect(base64urlDecode(url)).toEqual(utf8(text));
});

test('every length and every byte agrees with Node', () => {
  const bytes = Uint8Array.from({ length: 600 }, (_, index) => (index * 151) % 256);
  for (let length = 0; length <= bytes.length; length += 1) {
    const part = bytes.subarray(0, length);
    const standard = Buffer.from(part).toString('base64');
    const url = Buffer.from(part).toString('base64url');
    expect(base64Encode(part)).toBe(standard);
    expect(base64urlEncode(part)).toBe(url);
    expect(base64Decode(standard)).toEqual(part);
    expect(base64urlDecode(url)).toEqual(part);
  }
});

test('an RSA-4096 signature takes 684 characters', () => {
  expect(base64Encode(new Uint8Array(512))).toHaveLength(684);
});

describe('base64Decode refuses', () => {
  test.each([
    ['missing padding', 'Zg'],
    ['half the padding', 'Zg='],
    ['too much padding', 'Zg==='],
    ['a group of padding', 'Zm9v===='],
    ['only padding', '===='],
    ['padding of a whole byte', 'Z==='],
    ['padding inside', 'Zg==Zg=='],
    ['the other alphabet', '-_-_'],
    ['stray bits, two bytes', 'Zm9='],
    ['stray bits, one byte', 'Zh=='],
    ['a space', 'Zm 9v'],
    ['a space in a group', 'Zm9 '],
    ['a line end', 'Zm9v\n'],
    ['a line end inside', 'Zm9v\nZm9v'],
    ['a leading blank', ' Zm9v'],
    ['NUL', 'Zm9\u0000'],
    ['a character above ASCII', 'Zm9é'],
    ['a character whose low byte is a digit', 'Zm9\u0176'],
    ['an astral character', 'Zm😀'],
    ['one digit', 'Z'],
    ['one digit too many', 'Zm9vZ'],
  ])('%s', (_name, text) => {
    expect(base64Decode(text)).toBeUndefined();
  });
});

describe('base64urlDecode refuses', () => {
  test.each([
    ['padding', 'Zg=='],
    ['one padding character', 'Zm8='],
    ['the other alphabet', '+/+/'],
    ['stray bits, two bytes', 'Zm9'],
    ['stray bits, one byte', 'Zh'],
    ['one digit', 'Z'],
    ['one digit too many', 'Zm9vZ'],
    ['a line end', 'Zm9v\n'],
    ['a space', ' Zm9'],
    ['a point', 'Zm.v'],
  ])('%s', (_name, text) => {
    expect(base64urlDecode(text)).toBeUndefined();
  });
});
