import { expect, test } from 'vitest';
import { crc32c } from '../../../infra/kms/crc32c.ts';

// The check value of CRC-32/ISCSI, and the vectors of RFC 3720 appendix B.4.
test.each([
  ['"123456789"', Buffer.from('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(0), 0],
  ['32 bytes of zeroes', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 incrementing bytes', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ['32 decrementing bytes', Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
])('the checksum of %s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test('a view is read from its own offset', () => {
  expect(crc32c(Buffer.from('__123456789').subarray(2))).toBe(0xe3069283);
});
