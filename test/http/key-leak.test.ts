/**
 * No private key is ever in the functions' process: not in its heap, not anywhere in its memory, while it serves
 * requests that the KMS signs. The same search finds the keys in the KMS process, which shows that it can.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../shared/client/client.ts';
import { type SpawnedStack, spawnStack } from '../support/spawn-stack.ts';

const ROUNDS = 80;
const MACHINES = 5;
const READ_BYTES = 4 << 20;
const SNAPSHOT_LIMIT_MS = 30_000;
const START_LIMIT_MS = 180_000;
/** Of a long secret, pieces: a copy that was overwritten in part is a leak too. A multiple of 3, for base64. */
const PIECE_BYTES = 48;

interface Needle {
  /** Which key and part, and how it is written. */
  readonly name: string;
  readonly bytes: Buffer;
}

let folder: string;
let stack: SpawnedStack;
let keys: readonly { file: string; pem: string }[];
let needles: readonly Needle[];
let found: Search;
let snapshot: Buffer;
/** Hits in the functions' memory, and in the KMS's; undefined where memory cannot be read. */
let memory: { functions: string[]; kms: string[] } | undefined;
let requests = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-leak-'));
  const home = join(folder, 'home');
  // The limit is V8's for one string in a snapshot; its default cuts a PEM file after 1 KiB.
  const nodeArgs = [
    '--heapsnapshot-signal=SIGUSR2',
    `--diagnostic-dir=${folder}`,
    '--heap-snapshot-string-limit=100000',
  ];
  // While a snapshot is written nothing is answered.
  stack = await spawnStack({ home, nodeArgs, env: { SIGNING_DEADLINE_MS: '60000' } });
  keys = pemFilesBelow(join(home, 'kms'));
  needles = keys.flatMap(needlesOf);
  found = searchFor(needles);
  snapshot = await snapshotUnderLoad();
  memory = readMemory();
}, START_LIMIT_MS);

afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

function pemFilesBelow(home: string): { file: string; pem: string }[] {
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.pem'),
  );
  return files.map((file) => ({ file, pem: readFileSync(join(home, file), 'utf8') }));
}

// ------------------------------------------------------------------------------------------------------- load

/** Takes the snapshot in the middle of acquires and heartbeats with both algorithms. */
async function snapshotUnderLoad(): Promise<Buffer> {
  const load = Promise.all(Array.from({ length: MACHINES }, (_, machine) => work(`machine-${machine}`)));
  while (requests < (ROUNDS * MACHINES) / 2) await pause(5);
  stack.kill('SIGUSR2');
  await load;
  const deadlineAt = Date.now() + SNAPSHOT_LIMIT_MS;
  for (;;) {
    const [file] = readdirSync(folder).filter((name) => name.endsWith('.heapsnapshot'));
    const content = file === undefined ? Buffer.alloc(0) : readFileSync(join(folder, file));
    if (content.subarray(-4).toString().trimEnd().endsWith('}')) return content;
    if (Date.now() > deadlineAt) throw new Error('No heap snapshot was written.');
    await pause(100);
  }
}

async function work(hardwareId: string): Promise<void> {
  const client = createClient({ baseUrl: stack.local.base_url, timeoutMs: 60_000 });
  const { license_key: rsa, unlimited_license_key: ed25519 } = stack.local;
  for (let round = 0; round < ROUNDS; round++) {
    const { session_id } = await client.acquire({ license_key: rsa, hardware_id: hardwareId });
    await client.acquire({ license_key: ed25519, hardware_id: hardwareId, format: 'jws' });
    await client.heartbeat({
      session_id,
      license_key: rsa,
      hardware_id: hardwareId,
      document: round % 8 === 0,
    });
    requests += 3;
  }
}

// ---------------------------------------------------------------------------------------------------- needles

/** Everything by which a private key could be recognized, without what its public key says as well. */
function needlesOf({ file, pem }: { file: string; pem: string }): Needle[] {
  const key = createPrivateKey(pem);
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const jwk = key.export({ format: 'jwk' });
  const parts = { d: jwk.d, p: jwk.p, q: jwk.q, dp: jwk.dp, dq: jwk.dq, qi: jwk.qi };
  const secrets: [string, Buffer][] = Object.entries(parts).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Buffer.from(value, 'base64url')] as [string, Buffer]],
  );
  secrets.push(['der', key.export({ type: 'pkcs8', format: 'der' })]);
  const name = `${key.asymmetricKeyType} ${file}`;
  const lines = pem.split('\n').filter((line) => line.length >= 40 && !line.startsWith('-----'));
  return [
    ...lines
      .filter((line) => !spki.includes(Buffer.from(line, 'base64')))
      .map((line, i) => ({ name: `${name} PEM line ${i}`, bytes: Buffer.from(line) })),
    ...secrets.flatMap(([part, bytes]) => [
      ...piecesOf(bytes)
        .filter((piece) => !spki.includes(piece))
        .flatMap((piece) => writings(`${name} ${part}`, piece)),
      {
        name: `${name} ${part} decimal`,
        bytes: Buffer.from(BigInt(`0x${bytes.toString('hex')}`).toString()),
      },
    ]),
  ];
}

/** The beginning, the middle and the end. */
function piecesOf(bytes: Buffer): Buffer[] {
  if (bytes.length <= PIECE_BYTES) return [bytes];
  const middle = Math.floor(bytes.length / 6) * 3;
  return [0, middle, bytes.length - PIECE_BYTES].map((start) => bytes.subarray(start, start + PIECE_BYTES));
}

function writings(name: string, bytes: Buffer): Needle[] {
  const hex = bytes.toString('hex');
  // The last characters of unaligned base64 depend on what follows.
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3));
  const texts: Record<string, string> = {
    hex,
    'upper-case hex': hex.toUpperCase(),
    base64: whole.toString('base64'),
    base64url: whole.toString('base64url'),
    'JSON escapes': JSON.stringify(bytes.toString('latin1')).slice(1, -1),
    'snapshot escapes': snapshotEscapes(bytes),
  };
  return [
    { name: `${name} raw`, bytes },
    // OpenSSL keeps big numbers with their lowest byte first.
    { name: `${name} raw, reversed`, bytes: Buffer.from(bytes).reverse() },
    ...Object.entries(texts).map(([writing, text]) => ({
      name: `${name} ${writing}`,
      bytes: Buffer.from(text),
    })),
  ];
}

/** How V8 writes a string of these bytes into a heap snapshot: everything but printable ASCII as \uXXXX. */
function snapshotEscapes(bytes: Buffer): string {
  const short: Record<number, string> = {
    8: '\\b',
    9: '\\t',
    10: '\\n',
    12: '\\f',
    13: '\\r',
    34: '\\"',
    92: '\\\\',
  };
  const unicode = (byte: number) => `\\u${byte.toString(16).toUpperCase().padStart(4, '0')}`;
  return [...bytes]
    .map((byte) => short[byte] ?? (byte > 31 && byte < 128 ? String.fromCharCode(byte) : unicode(byte)))
    .join('');
}

type Search = (haystack: Buffer) => string[];

const SLOT_BITS = 20;

/** Where needles with these first four bytes are marked: a multiplicative hash. */
const slotOf = (head: number) => Math.imul(head, 0x9e3779b1) >>> (32 - SLOT_BITS);

/** Answers the names of needles that are in a haystack, in one pass over it: the memory of a process is large. */
function searchFor(wanted: readonly Needle[]): Search {
  const byHead = Map.groupBy(wanted, ({ bytes }) => bytes.readUInt32BE());
  const marked = new Uint8Array(1 << SLOT_BITS);
  for (const head of byHead.keys()) marked[slotOf(head)] = 1;
  return (haystack) => {
    const hits = new Set<string>();
    let head = 0;
    for (let end = 1; end <= haystack.length; end++) {
      head = ((head << 8) | (haystack[end - 1] as number)) >>> 0;
      if (end < 4 || marked[slotOf(head)] === 0) continue;
      for (const { name, bytes } of byHead.get(head) ?? []) {
        if (bytes.equals(haystack.subarray(end - 4, end - 4 + bytes.length))) hits.add(name);
      }
    }
    return [...hits];
  };
}

// ----------------------------------------------------------------------------------------------------- memory

function readMemory(): typeof memory {
  if (process.platform !== 'linux') return undefined;
  try {
    return { functions: scanMemory(stack.pid), kms: scanMemory(stack.kmsPid) };
  } catch (error) {
    console.warn(`The memory of the processes could not be read: ${error}`);
    return undefined;
  }
}

/** Names of the needles that are anywhere in the writable memory of a process. */
function scanMemory(pid: number): string[] {
  const hits = new Set<string>();
  const longest = Math.max(...needles.map(({ bytes }) => bytes.length));
  const buffer = Buffer.alloc(READ_BYTES);
  const descriptor = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const [start, end] of writableRegions(pid)) {
      for (let at = start; at < end; at += READ_BYTES - longest) {
        const size = readAt(descriptor, buffer, at, Math.min(READ_BYTES, end - at));
        for (const name of found(buffer.subarray(0, size))) hits.add(name);
      }
    }
  } finally {
    closeSync(descriptor);
  }
  return [...hits];
}

/** proc_pid_maps(5): the regions that the process may read and write. */
function writableRegions(pid: number): (readonly [start: number, end: number])[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [, start = '', end = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    return start === '' ? [] : [[Number.parseInt(start, 16), Number.parseInt(end, 16)] as const];
  });
}

/** How many bytes were read; 0 where a region went away since it was listed. */
function readAt(descriptor: number, buffer: Buffer, position: number, length: number): number {
  try {
    return readSync(descriptor, buffer, 0, length, position);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0;
    throw error;
  }
}

// ------------------------------------------------------------------------------------------------------ tests

test('there are two RSA keys and an Ed25519 key to look for: the root key is one', () => {
  expect(keys.map(({ pem }) => createPrivateKey(pem).asymmetricKeyType).sort()).toEqual([
    'ed25519',
    'rsa',
    'rsa',
  ]);
  expect(needles.length).toBeGreaterThan(200);
  expect(requests).toBe(ROUNDS * MACHINES * 3);
});

test('a heap snapshot under load shows what the process works with, and no private key', () => {
  expect(JSON.parse(snapshot.toString()).strings.length).toBeGreaterThan(10_000);
  expect(snapshot.includes(stack.local.license_key)).toBe(true);
  expect(snapshot.includes('-----BEGIN PUBLIC KEY-----')).toBe(true);
  expect(snapshot.includes('PRIVATE KEY-----\\n')).toBe(false);
  expect(found(snapshot)).toEqual([]);
});

test('the search finds what a look for each by itself finds', () => {
  const noise = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 251));
  for (const { name, bytes } of needles) {
    const haystack = Buffer.concat([noise, bytes.subarray(0, -1), bytes, noise]);
    const each = needles.filter((needle) => haystack.includes(needle.bytes)).map((needle) => needle.name);
    expect(found(haystack).sort()).toEqual(each.sort());
    expect(each).toContain(name);
  }
});

test('the search would have found a key in a snapshot', () => {
  for (const { pem } of keys) {
    const inSnapshot = Buffer.from(JSON.stringify({ strings: [pem] }));
    expect(found(inSnapshot)).not.toEqual([]);
    const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' });
    expect(found(Buffer.from(snapshotEscapes(Buffer.from(d, 'base64url'))))).not.toEqual([]);
  }
});

test('the memory of the KMS holds its keys, and the same search finds none in the functions', () => {
  if (memory === undefined) {
    console.warn(
      'The memory part was not possible here: it needs Linux and the right to read a child’s memory.',
    );
    return;
  }
  const kinds = new Set(memory.kms.map((name) => name.split(' ', 1)[0]));
  expect([...kinds].sort()).toEqual(['ed25519', 'rsa']);
  expect(memory.functions).toEqual([]);
});

test('no key, session or machine is in the log of the stack', async () => {
  const printed = stack.stdout() + stack.stderr();
  const lines = printed.split('\n').filter((line) => line.startsWith('{'));
  expect(lines.length).toBeGreaterThanOrEqual(requests);
  const { base_url: _, ...secrets } = stack.local;
  const forbidden = [...Object.values(secrets), 'machine-', 'ses_', 'PRIVATE KEY'];
  expect(forbidden.filter((text) => printed.includes(text))).toEqual([]);
  expect(found(Buffer.from(printed))).toEqual([]);
});
