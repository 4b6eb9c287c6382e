/**
 * CRC32C (Castagnoli), the checksum Google Cloud KMS guards every message with. `zlib.crc32` is another
 * polynomial and cannot stand in.
 *
 * Reflected polynomial 0x82F63B78, initial value and final XOR 0xFFFFFFFF: RFC 3720 appendix B.4.
 */

const REFLECTED_POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ REFLECTED_POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
});

/** The checksum as an unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let index = 0; index < bytes.length; index++) {
    // Both indices are in range by construction; `as number` costs nothing on this hot path.
    crc = (TABLE[(crc ^ (bytes[index] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
