/** The vectors of issued licences, and licences that are encoded here, verified by Go's standard library. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { aegis } from '../../shared/formats/aegis.ts';
import { caioV2 } from '../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { aegisPayload, caioPayload, dtlic2Terms, seal } from '../support/issued-licenses.ts';
import { ED, KINDS, keys, RSA, replaceAt } from '../support/signed-documents.ts';
import vectors from '../vectors/issued-licenses.json' with { type: 'json' };

interface Case {
  readonly title: string;
  readonly kid: string;
  readonly text: string;
  readonly payload: object;
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-go-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NAME = 'Zoë Müller 東京 Москва دبي 😀';
const OWN: Case[] = [
  own('AEGIS', ED, seal(aegis, aegisPayload({ customer: { id: 'acme-de-2', name: NAME } })), {
    ...aegisPayload({ customer: { id: 'acme-de-2', name: NAME } }),
  }),
  ...KINDS.map((kind) => {
    const payload = caioPayload({ features: [], license_type: 'perpetual', expires_at: null });
    return own(`CAIO with ${kind}`, kind, seal(caioV2, payload, kind), payload);
  }),
  own('AEGIS with RSA', RSA, seal(aegis, aegisPayload(), RSA), aegisPayload()),
  own('DTLIC2', ED, seal(dtlic2, dtlic2Terms({ name: NAME })), {
    ...dtlic2Terms({ name: NAME }),
    kid: keys[ED].kid,
  }),
];

function own(title: string, kind: (typeof KINDS)[number], text: string, payload: object): Case {
  return { title, kid: keys[kind].kid, text, payload };
}

const PUBLISHED: Case[] = vectors.licenses.map(({ title, format, kid, text, payload }) => ({
  title,
  kid,
  text,
  payload: format === 'dtlic2' ? { ...payload, kid } : payload,
}));

describe.each([
  ['the vectors', vectors.keys, PUBLISHED],
  ['licences of ours', KINDS.map((kind) => keys[kind].jwk), OWN],
] as const)('%s', (_what, jwks, cases) => {
  test('verify with Go, and say what was signed', () => {
    const lines = verify(jwks, cases);
    expect(lines.map((line) => (line.startsWith('refused') ? line : JSON.parse(line)))).toEqual(
      cases.map(({ payload }) => payload),
    );
  });

  test('are refused by Go when a character is changed, and with another key', () => {
    const changed = cases.map((each) => {
      const at = each.text.lastIndexOf('.') + 5;
      return { ...each, text: replaceAt(each.text, at, each.text[at] === 'A' ? 'B' : 'A') };
    });
    const swapped = cases.map((each) => ({
      ...each,
      kid: String(jwks.find(({ kid }) => kid !== each.kid)?.kid),
    }));
    for (const line of verify(jwks, [...changed, ...swapped])) expect(line).toMatch(/^refused: /);
  });
});

test('the vectors have the cases that matter', () => {
  const titles = vectors.licenses.map(({ title }) => title).join('\n');
  for (const part of ['a customer id with hyphens', 'four scripts', 'no features', 'perpetual', 'a leap day'])
    expect(titles).toContain(part);
  for (const format of ['aegis', 'caio-v2', 'dtlic2']) {
    const own = vectors.licenses.filter((row) => row.format === format);
    expect(own.some(({ license }) => license.expiresAt === null)).toBe(true);
    expect(own.some(({ license }) => new Date(license.expiresAt ?? 0).toISOString().includes('-02-29'))).toBe(
      true,
    );
  }
});

/** With the toolchain that is there, and nothing from the network. */
function verify(jwks: readonly object[], cases: readonly Case[]): string[] {
  const file = join(folder, 'keys.json');
  writeFileSync(file, JSON.stringify({ keys: jwks }));
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOPROXY: 'off' };
  const input = cases.map(({ kid, text }) => `${kid} ${text}\n`).join('');
  const cwd = join(import.meta.dirname, 'go');
  const ended = spawnSync('go', ['run', './issued', file], { cwd, env, input, encoding: 'utf8' });
  expect([ended.error, ended.stderr, ended.status]).toEqual([undefined, '', 0]);
  return ended.stdout.trimEnd().split('\n');
}
