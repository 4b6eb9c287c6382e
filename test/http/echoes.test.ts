/**
 * What was sent in the wrong place is not told in an error: a key or an address as the name of a parameter or a member, as a value, as
 * a header, in the path. Every endpoint is asked, with a request that would succeed but for that.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { Endpoint } from '../../functions/http/endpoint.ts';
import { generateApiKey } from '../../shared/access/api-key.ts';
import { generateLicenseKey } from '../../shared/license-key.ts';
import { everyEndpoint, NO_PORTS, NO_SETTINGS } from '../support/every-endpoint.ts';
import type { Shot } from '../support/refusals/case.ts';
import { caseOf } from '../support/refusals/index.ts';
import { type Stage, startStage } from '../support/refusals/stage.ts';

const ADDRESS = 'jane.doe@secret.example';
const HEADERS = [
  'x-request-id',
  'idempotency-key',
  'if-match',
  'content-type',
  'content-encoding',
  'accept',
  'x-api-key',
  'authorization',
  'x-caio-instance-id',
];

const membersOf = (schema: z.ZodType | undefined): string[] =>
  Object.keys((schema as z.ZodObject | undefined)?.shape ?? {});

/** The same request with the secret in each place of its query string. */
function inQuery({ query }: Endpoint, shot: Shot, secret: string): Shot[] {
  const text = encodeURIComponent(secret);
  const known = membersOf(query).flatMap((name) => [
    `${name}=${text}`,
    `${name}=${text}&${name}=${text}`,
    `${name}[${text}]=1`,
  ]);
  const queries = [`${text}=1`, `${text}=1&${text}=2`, `${text}`, `page=1&${text}=${text}`, ...known];
  return queries.map((wrong) => ({ ...shot, query: wrong }));
}

/** In each place of the body: as a member, as the value of each member, however deep, and in what is no JSON. */
function inBody({ request }: Endpoint, shot: Shot, secret: string): Shot[] {
  if (request === undefined) return [];
  const good = (shot.body ?? {}) as Record<string, unknown>;
  const text = JSON.stringify(secret);
  const values = [secret, [{ [secret]: secret }]];
  const wrong = (value: unknown): unknown[] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? [
          { ...value, [secret]: 1 },
          ...Object.entries(value).flatMap(([name, inner]) =>
            [...values, ...wrong(inner)].map((other) => ({ ...value, [name]: other })),
          ),
        ]
      : [];
  const named = membersOf(request).flatMap((name) => values.map((value) => ({ ...good, [name]: value })));
  const broken = [
    `{${text}:1,${text}:2}`,
    `{${text}`,
    `{"a":${text}`,
    text,
    `[${text}]`,
    `{"a":"${secret}\\ud800"}`,
  ];
  const deep = `{"a":${'['.repeat(40)}${text}${']'.repeat(40)}}`;
  return [...wrong(good), ...named, ...broken, deep].map((body) => ({
    ...shot,
    body: body as object | string,
  }));
}

function inHeaders(shot: Shot, secret: string): Shot[] {
  const values = [secret, `Bearer ${secret}\u00e9`];
  return HEADERS.flatMap((name) =>
    values.map((value) => ({ ...shot, headers: { ...shot.headers, [name]: value } })),
  );
}

function inPath({ path }: Endpoint, shot: Shot, secret: string): Shot[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return names.map((name) => ({ ...shot, ids: { ...shot.ids, [name]: encodeURIComponent(secret) } }));
}

describe('no error tells what was sent', () => {
  let stage: Stage;
  let secrets: Readonly<Record<string, string>>;

  beforeAll(async () => {
    stage = await startStage('sqlite');
    const { random } = stage.ready.service.ports;
    secrets = {
      'an API key': generateApiKey(random),
      'a licence key': generateLicenseKey('SECRET', random),
      'an e-mail address': ADDRESS,
    };
  });
  afterAll(() => stage.stop());

  const rows = everyEndpoint(NO_PORTS, NO_SETTINGS).map((row) => [`${row.method} ${row.path}`, row] as const);

  describe.each(['an API key', 'a licence key', 'an e-mail address'])('%s', (what) => {
    test.each(rows)('%s', async (_, row) => {
      const { service } = stage.ready;
      const secret = secrets[what] ?? '';
      const good = await caseOf(row).good(stage.ready);
      const as = row.access === 'public' ? {} : stage.callers.operator;
      const shots = [
        ...(row.query === undefined ? [] : inQuery(row, good, secret)),
        ...inBody(row, good, secret),
        ...inHeaders(good, secret),
        ...inPath(row, good, secret),
      ];
      const logged = service.logLines.length;
      let refused = 0;
      for (const shot of shots) {
        // Wrong credentials in plenty are slowed, and then nothing else would be looked at.
        service.advance(2);
        const { status, headers, body } = await stage.send({ to: service, row, shot, as });
        if (status < 400) continue;
        refused += 1;
        expect(status, JSON.stringify(body)).toBeLessThan(500);
        expect(JSON.stringify([body, [...headers]]).toLowerCase()).not.toContain(secret.toLowerCase());
      }
      // What takes nothing refuses nothing.
      if (row.access !== 'public' || shots.length > HEADERS.length * 2) expect(refused).toBeGreaterThan(0);
      expect(service.logLines.slice(logged).join('\n').toLowerCase()).not.toContain(secret.toLowerCase());
    });
  });
});
