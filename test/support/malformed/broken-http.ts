/** Bytes that are no HTTP request, or two different ones depending on who reads them. The body would be a good one. */
import fc from 'fast-check';
import { anyName, type Bodies } from './bodies.ts';
import { flip, headOf, json, MARKER, type Name, pathOf, RAW, type Shot } from './shot.ts';

const BROKEN: readonly ((name: Name, body: string) => Partial<Shot> & { bytes: string })[] = [
  (name, body) => ({
    bytes: `${headOf(name)}content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n\r\n${body}`,
  }),
  (name, body) => ({
    bytes: `${headOf(name)}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n${body}`,
  }),
  (name, body) => ({
    bytes: `${headOf(name)}content-length: ${body.length}\r\ncontent-length: 5\r\n\r\n${body}`,
  }),
  (name, body) => ({ bytes: `${headOf(name)}transfer-encoding: chunked\r\n\r\nzz\r\n${body}` }),
  (name, body) => ({ bytes: `${headOf(name)}transfer-encoding: chunked\r\n\r\n-5\r\n${body}` }),
  (name, body) => ({
    bytes: `${headOf(name)}transfer-encoding: chunked\r\n\r\nfffffffffffffffffff\r\n${body}`,
  }),
  (name, body) => ({
    bytes: `${headOf(name)}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}XX0\r\n\r\n`,
  }),
  (name, body) => ({ bytes: `${headOf(name)}transfer-encoding : chunked\r\n\r\n0\r\n\r\n${body}` }),
  (name, body) => ({
    bytes: `${headOf(name)}no colon here ${MARKER}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  }),
  (name, body) => ({
    bytes: `${headOf(name)}x: \u0000${MARKER}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  }),
  (name, body) => ({ bytes: `${headOf(name)} : x\r\ncontent-length: ${body.length}\r\n\r\n${body}` }),
  (name, body) => ({ bytes: `${headOf(name)}x: a\rb\r\ncontent-length: ${body.length}\r\n\r\n${body}` }),
  (name, body) => ({
    bytes: `${headOf(name).replace('HTTP/1.1', 'HTTP/9.9')}content-length: ${body.length}\r\n\r\n${body}`,
  }),
  (name, body) => ({
    bytes: `${headOf(name).replace('HTTP/1.1', 'HTTP/2.0')}content-length: ${body.length}\r\n\r\n${body}`,
  }),
  (name, body) => ({
    bytes: `${headOf(name).replace('HTTP/1.1', 'HTTP/1.')}content-length: ${body.length}\r\n\r\n${body}`,
  }),
  (name, body) => ({
    bytes: `${headOf(name).replace('HTTP/1.1', 'HTTPS/1.1')}content-length: ${body.length}\r\n\r\n${body}`,
  }),
  (name, body) => ({
    bytes: `${headOf(name).replace(' HTTP/1.1', '')}content-length: ${body.length}\r\n\r\n${body}`,
  }),
  (name, body) => ({
    bytes: `${headOf(name).replace('host: a.test\r\n', '')}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  }),
  (name) => ({
    bytes: `${headOf(name)}transfer-encoding: chunked\r\n\r\n5\r\nabc`,
    halfClose: true,
  }),
  (name) => ({ bytes: headOf(name), halfClose: true }),
  (name) => ({ bytes: `POST ${pathOf(name)}`, halfClose: true }),
  () => ({ bytes: '', quiet: 'nothing but line ends', halfClose: true }),
  () => ({ bytes: '\r\n\r\n\r\n', quiet: 'nothing but line ends', halfClose: true }),
  () => ({ bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' }),
  () => ({ bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' }),
  () => ({ bytes: `CONNECT ${MARKER}:443 HTTP/1.1\r\nhost: a.test\r\n\r\n`, quiet: 'CONNECT' }),
];

export const broken = ({ good, refusedCase }: Bodies): fc.Arbitrary<Shot> =>
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(anyName, fc.constantFrom(...BROKEN))
        .map(([name, make]): Shot => ({ ...RAW, ...make(name, json(good(name))) })),
    },
    {
      weight: 1,
      arbitrary: fc
        .uint8Array({ minLength: 1, maxLength: 200 })
        .filter((bytes) => bytes.some((byte) => byte !== 10 && byte !== 13))
        .map((bytes): Shot => {
          const text = Buffer.from(bytes).toString('latin1');
          return { ...RAW, bytes: `${text}\r\n\r\n`, halfClose: true };
        }),
    },
    {
      // A byte of the head of a refused request changes.
      weight: 2,
      arbitrary: fc
        .tuple(
          refusedCase.filter(({ name }) => name !== 'validate'),
          fc.nat(150),
          fc.nat(7),
        )
        .map(([{ name, body }, at, bit]): Shot => {
          const text = json(body);
          const head = `${headOf(name)}x: ${MARKER}\r\nconnection: close\r\ncontent-length: ${text.length}\r\n`;
          return { ...RAW, bytes: `${flip(head, at, bit)}\r\n${text}`, halfClose: true };
        }),
    },
  );
