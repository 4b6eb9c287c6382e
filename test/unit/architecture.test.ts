/**
 * The import boundaries, twice: the lint rules of `biome.json` refuse every crossing (they run here over snippets
 * that cross), and no source file crosses (read here without the linter, and more strictly than it can say).
 */
import { execFile } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('the linter', () => {
  const refused: [file: string, imports: string[]][] = [
    [
      'shared/x.ts',
      [
        '@google-cloud/kms',
        '@google-cloud/kms/build/src/index.js',
        '@google-cloud/firestore',
        '@google-cloud/functions-framework',
        '@aws-sdk/client-kms',
        '@grpc/grpc-js',
        'google-auth-library',
        'hono',
        'hono/cors',
        '@hono/node-server',
        'node:fs',
        'node:crypto',
        'node:fs/promises',
        '../infra/config.ts',
        '../infra/kms/google.ts',
        '../functions/http/app.ts',
        '../scripts/start.ts',
        '../test/support/kms.ts',
      ],
    ],
    ['shared/usecases/x.ts', ['../../infra/config.ts', '../../functions/http/app.ts', 'node:buffer', 'hono']],
    [
      'functions/licenses/x.ts',
      [
        '../../infra/config.ts',
        '@google-cloud/kms',
        '@google-cloud/kms/build/src/index.js',
        '@aws-sdk/client-kms/x',
      ],
    ],
    ['functions/licenses/not-main.ts', ['../../infra/start.ts']],
    ['functions/licenses/deep/x.ts', ['../../../infra/kms/google.ts']],
    [
      'functions/http/x.ts',
      [
        '../../infra/log.ts',
        '@google-cloud/kms',
        '@google-cloud/firestore',
        '@aws-sdk/client-kms',
        '@grpc/grpc-js',
      ],
    ],
    ['infra/x.ts', ['../shared/usecases/acquire.ts', '../functions/http/app.ts']],
    ['infra/kms/x.ts', ['../../shared/usecases/acquire.ts', '../../functions/licenses/endpoints.ts']],
  ];

  const allowed: [file: string, imports: string[]][] = [
    ['shared/y.ts', ['zod', 'canonicalize', './errors.ts', './usecases/acquire.ts']],
    ['shared/usecases/y.ts', ['../ports/signer.ts', './acquire.ts']],
    ['functions/licenses/main.ts', ['../../infra/config.ts', '../../shared/usecases/acquire.ts']],
    [
      'functions/licenses/y.ts',
      ['../../shared/usecases/acquire.ts', '@google-cloud/functions-framework', 'hono', 'node:http'],
    ],
    ['infra/y.ts', ['../shared/ports/signer.ts', '@google-cloud/kms', 'node:fs']],
    ['scripts/y.ts', ['../infra/config.ts', '../shared/usecases/acquire.ts']],
    ['test/unit/y.ts', ['../../infra/config.ts', '../../functions/http/app.ts']],
  ];

  /** Every way to import, a line each; `n` keeps the names apart. */
  const forms: ((from: string, n: number) => string)[] = [
    (from, n) => `import { a as a${n} } from '${from}'; export const b${n} = a${n};`,
    (from, n) => `import type { C as C${n} } from '${from}'; export const c${n}: C${n} = 1;`,
    (from) => `import '${from}';`,
    (from, n) => `import * as d${n} from '${from}'; export const e${n} = d${n};`,
    (from, n) => `export { f as f${n} } from '${from}';`,
    (from) => `export * from '${from}';`,
    (from, n) => `export const g${n} = await import('${from}');`,
  ];

  const linesOf = (imports: readonly string[]) =>
    imports.flatMap((from, row) => forms.map((form, column) => form(from, row * forms.length + column)));

  const folder = mkdtempSync(join(tmpdir(), 'countersign-architecture-'));
  /** `file:line` of every import that the rule refused. */
  let refusals: Set<string>;

  beforeAll(async () => {
    copyFileSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
    for (const [file, imports] of [...refused, ...allowed]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), linesOf(imports).join('\n'));
    }
    refusals = await lint(folder);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const rows = (table: typeof refused) =>
    table.flatMap(([file, imports]) => imports.map((from) => [file, from] as const));

  test.each(rows(refused))('refuses that %s imports %s, however it is written', (file, from) => {
    expect(importsOf(refused, file, from).filter(({ isRefused }) => !isRefused)).toEqual([]);
  });

  test.each(rows(allowed))('allows that %s imports %s', (file, from) => {
    expect(importsOf(allowed, file, from).filter(({ isRefused }) => isRefused)).toEqual([]);
  });

  function importsOf(table: typeof refused, file: string, from: string) {
    const lines = linesOf(table.find(([name]) => name === file)?.[1] ?? []);
    const found = lines
      .map((text, i) => ({ text, isRefused: refusals.has(`${file}:${i + 1}`) }))
      .filter(({ text }) => text.includes(`'${from}'`));
    expect(found).toHaveLength(forms.length);
    return found;
  }
});

interface LintReport {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}

/** Runs the linter with the configuration in `folder`, which is no git repository. */
async function lint(folder: string): Promise<Set<string>> {
  const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=json', '.'];
  const stdout = await new Promise<string>((resolve) => {
    // It leaves with a failure, because it finds what it should; whether it ran at all, its report tells.
    execFile(join(ROOT, 'node_modules/.bin/biome'), args, { cwd: folder, maxBuffer: 1e8 }, (_error, output) =>
      resolve(output),
    );
  });
  const { diagnostics }: LintReport = JSON.parse(stdout);
  return new Set(
    diagnostics
      .filter(({ category }) => category === 'lint/style/noRestrictedImports')
      .map(({ location }) => `${location.path}:${location.start.line}`),
  );
}

describe('the sources', () => {
  interface SourceFile {
    /** Path inside the repository, with forward slashes. */
    readonly file: string;
    /** What it imports: a path inside the repository for a relative import, else the package. */
    readonly imports: readonly string[];
  }

  const sources: SourceFile[] = globSync('{functions,infra,shared,scripts,test}/**/*.{ts,js}', { cwd: ROOT })
    .map((path) => path.replaceAll('\\', '/'))
    .map((file) => ({ file, imports: readImports(file, readFileSync(join(ROOT, file), 'utf8')) }));

  const under = (folder: string) => sources.filter(({ file }) => file.startsWith(`${folder}/`));

  /** `file -> import` for every import that `isWrong`. */
  const crossings = (files: readonly SourceFile[], isWrong: (imported: string) => boolean) =>
    files.flatMap(({ file, imports }) => imports.filter(isWrong).map((imported) => `${file} -> ${imported}`));

  test('are read: files, and imports of every form', () => {
    for (const folder of ['functions', 'infra', 'shared', 'scripts', 'test']) {
      expect(under(folder).flatMap(({ imports }) => imports).length, folder).toBeGreaterThan(0);
    }
    const text = [
      "import a from './a.ts';",
      "import type { B } from '../b.ts';",
      "import {\n  c,\n  type D,\n} from 'c';",
      'import * as e from "@scope/e/deep";',
      "import './f.ts';",
      "export { g } from './g/g.ts';",
      "export * from './h.ts';",
      "const i = await import('./i.ts');",
      "const j = require('j');",
      "import k, { l } from 'k'; import m from 'm';",
    ].join('\n');
    expect(readImports('shared/decide/x.ts', text)).toEqual([
      'shared/decide/a.ts',
      'shared/b.ts',
      'c',
      '@scope/e/deep',
      'shared/decide/f.ts',
      'shared/decide/g/g.ts',
      'shared/decide/h.ts',
      'shared/decide/i.ts',
      'j',
      'k',
      'm',
    ]);
  });

  test('of infra/ are imported by infra/, by main.ts of a function, by scripts and by tests only', () => {
    const others = sources.filter(
      ({ file }) => !/^(?:infra|scripts|test)\/|^functions\/[^/]+\/main\.ts$/.test(file),
    );
    expect(crossings(others, (imported) => imported.startsWith('infra/'))).toEqual([]);
  });

  test('of shared/ import shared/, zod and canonicalize only', () => {
    const isWrong = (imported: string) => !/^(?:shared\/|zod$|canonicalize$)/.test(imported);
    expect(crossings(under('shared'), isWrong)).toEqual([]);
  });

  test('of infra/ import no use case and no function', () => {
    const isWrong = (imported: string) => /^(?:shared\/usecases|functions)\//.test(imported);
    expect(crossings(under('infra'), isWrong)).toEqual([]);
  });

  test('of functions/ import no cloud SDK', () => {
    const isWrong = (imported: string) =>
      /^(?:@google-cloud|@grpc|@aws-sdk|google-auth-library)(?:\/|$)/.test(imported) &&
      !imported.startsWith('@google-cloud/functions-framework');
    expect(crossings(under('functions'), isWrong)).toEqual([]);
  });

  test('of the product import no test', () => {
    // Benchmarks measure against the same stand-ins that tests use.
    const product = sources.filter(({ file }) => !/^(?:test|scripts\/bench)\//.test(file));
    expect(crossings(product, (imported) => imported.startsWith('test/'))).toEqual([]);
  });
});

const STATIC_IMPORT = /\b(?:import|export)\s(?:[^'";]*?\sfrom\s*)?['"]([^'"\n]+)['"]/g;
const DYNAMIC_IMPORT = /\b(?:import|require)\(\s*['"]([^'"\n]+)['"]/g;

/** What a source text imports, in the order of the text. */
function readImports(file: string, text: string): string[] {
  return [...text.matchAll(STATIC_IMPORT), ...text.matchAll(DYNAMIC_IMPORT)]
    .sort((a, b) => a.index - b.index)
    .map(([, specifier = '']) =>
      specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier,
    );
}
