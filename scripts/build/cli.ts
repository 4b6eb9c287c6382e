/**
 * Bundles the command `countersign` for operators and buyers who have no copy of this repository: a folder that
 * `npm install -g` and `npm pack` take, and that needs no other package.
 *
 * @example node scripts/build/cli.ts           # dist/cli
 * @example node scripts/build/cli.ts /tmp/cli
 */
import { chmodSync, copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import manifest from '../../package.json' with { type: 'json' };
import { licenseTexts } from './license-texts.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXECUTABLE = 0o755;
const MODULE = 'main.js';
const BIN = 'countersign.js';

/** Of package.json the program needs its version; the rest is about the repository. */
const versionOnly: Plugin = {
  name: 'version-only',
  setup: ({ onLoad }) => {
    onLoad({ filter: /package\.json$/ }, ({ path }) =>
      path === join(ROOT, 'package.json')
        ? { contents: JSON.stringify({ version: manifest.version }), loader: 'json' }
        : undefined,
    );
  },
};

const [folder = 'dist/cli'] = process.argv.slice(2);
const target = resolve(ROOT, folder);

mkdirSync(target, { recursive: true });
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ['scripts/cli/bundled.ts'],
  outfile: join(target, MODULE),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Names of classes are what errors are told apart by.
  keepNames: true,
  // Not minified: whoever runs it on their machine may read it, and a stack names functions.
  minify: false,
  legalComments: 'eof',
  metafile: true,
  plugins: [versionOnly],
  logLevel: 'warning',
  // commander is CommonJS, and asks for Node's modules.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});
copyFileSync(join(import.meta.dirname, 'bin.js'), join(target, BIN));
chmodSync(join(target, BIN), EXECUTABLE);
copyFileSync(join(import.meta.dirname, 'cli-readme.md'), join(target, 'README.md'));
writeFileSync(join(target, 'THIRD-PARTY-LICENSES.txt'), licenseTexts(ROOT, Object.keys(metafile.inputs)));
writeFileSync(join(target, 'package.json'), `${JSON.stringify(packageJson(), null, 2)}\n`);
console.log(`${target}: ${kilobytes(join(target, MODULE))} kB`);

function packageJson() {
  const { name, version, license, engines } = manifest;
  return {
    name,
    version,
    description: 'Countersign from a shell: licences for operators, activation for buyers.',
    license,
    type: 'module',
    engines,
    bin: { countersign: BIN },
  };
}

function kilobytes(path: string): string {
  return (statSync(path).size / 1000).toFixed(0);
}
