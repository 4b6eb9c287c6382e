/** RFC 9562 §5.4: a UUID of version 4. */
import { hex } from './canonical/hex.ts';
import type { Random } from './ports/random.ts';

const BYTES = 16;

export function randomUuid(random: Random): string {
  const digits = hex(
    random.bytes(BYTES).map((byte, place) => {
      if (place === 6) return (byte & 0x0f) | 0x40;
      return place === 8 ? (byte & 0x3f) | 0x80 : byte;
    }),
  );
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
