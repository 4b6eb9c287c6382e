import { deepStrictEqual } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, canonicalJsonBytes } from '../../shared/canonical/jcs.ts';
import { pythonJson, pythonJsonBytes } from '../../shared/canonical/python-json.ts';
import type { JsonValue } from '../../shared/canonical/strict-json.ts';
import { jsonDocument, safeInteger } from '../support/arbitrary-json.ts';

const SAMPLES = 3_000;

/** For every line, the base64 of a JSON text, answers the base64 of what the clients in the field would sign. */
const PYTHON_CLIENT = `
import base64, json, sys
for line in sys.stdin:
    data = json.loads(base64.b64decode(line).decode('utf-8'))
    text = json.dumps(data, sort_keys=True, separators=(',', ':'))
    print(base64.b64encode(text.encode('utf-8')).decode('ascii'))
`;

/** Runs one Python for the whole batch. */
function dumpsOfLoads(texts: readonly Uint8Array[]): Buffer[] {
  const input = texts.map((text) => `${Buffer.from(text).toString('base64')}\n`).join('');
  const child = spawnSync('python3', ['-c', PYTHON_CLIENT], { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (child.error) throw child.error;
  expect(child.stderr).toBe('');
  const lines = child.stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(texts.length);
  return lines.map((line) => Buffer.from(line, 'base64'));
}

test('pythonJson gives the bytes of json.dumps, whichever JSON the client received', () => {
  const values = fc.sample(jsonDocument(safeInteger), SAMPLES);
  const received = values.map((value, index) => Buffer.from(spell(value, index)));
  const dumped = dumpsOfLoads(received);
  const different = values.filter((value, index) => dumped[index]?.compare(pythonJsonBytes(value)) !== 0);
  expect(different).toEqual([]);
});

test('Python reads RFC 8785 text as the same value', () => {
  const anyFinite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0);
  const values = fc.sample(jsonDocument(anyFinite), SAMPLES);
  const dumped = dumpsOfLoads(values.map(canonicalJsonBytes));
  values.forEach((value, index) => {
    deepStrictEqual(JSON.parse(String(dumped[index])), value);
  });
});

/** Whole strings of every code point, so that no range of the escapes goes untested. */
test('pythonJson escapes every code point as Python does', () => {
  const values: string[] = [];
  for (let start = 0; start < 0x110000; start += 0x800) {
    if (start !== 0xd800) {
      values.push(String.fromCodePoint(...Array.from({ length: 0x800 }, (_, index) => start + index)));
    }
  }
  const dumped = dumpsOfLoads(values.map(canonicalJsonBytes));
  values.forEach((value, index) => {
    expect(String(dumped[index])).toBe(pythonJson(value));
  });
});

/** One of the spellings a server might send: compact, indented, canonical, or escaped. */
function spell(value: JsonValue, index: number): string {
  const spellings = [JSON.stringify, canonicalJson, pythonJson, (v: JsonValue) => JSON.stringify(v, null, 2)];
  return (spellings[index % spellings.length] ?? JSON.stringify)(value);
}
