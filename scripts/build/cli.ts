/**
 * Bundles the command `countersign` for operators and buyers who have no copy of this repository: a folder that
 * `npm install -g` and `npm pack` take, and that needs no other package. What a command loads only when it is carried out,
 * the SDKs of the clouds above all, is in files of its own.
 *
 * @example node scripts/build/cli.ts           # dist/cli
 * @example node scripts/build/cli.ts /tmp/cli
 */
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import manifest from '../../package.json' with { type: 'json' };
import { licenseTexts } from './license-texts.ts';
import { namedExports } from './named-exports.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXECUTABLE = 0o755;
const BIN = 'countersign.js';
const CHUNKS = 'chunks';

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

// Names of chunks change with what is in them: those of an earlier build would stay.
rmSync(join(target, CHUNKS), { recursive: true, force: true });
mkdirSync(target, { recursive: true });
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ['scripts/cli/main.ts'],
  outdir: target,
  bundle: true,
  splitting: true,
  chunkNames: `${CHUNKS}/[name]-[hash]`,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Names of classes are what errors are told apart by.
  keepNames: true,
  // Not minified: whoever runs it on their machine may read it, and a stack names functions.
  minify: false,
  legalComments: 'eof',
  metafile: true,
  plugins: [versionOnly, namedExports(ROOT)],
  logLevel: 'warning',
  // What is CommonJS asks for Node's modules. Google's SDK also makes a path of its folder when it is loaded, to .proto files
  // that its clients do not read: they bring theirs as JSON.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url), __dirname = import.meta.dirname;",
  },
});
const written = Object.values(metafile.outputs);
copyFileSync(join(import.meta.dirname, 'bin.js'), join(target, BIN));
chmodSync(join(target, BIN), EXECUTABLE);
copyFileSync(join(import.meta.dirname, 'cli-readme.md'), join(target, 'README.md'));
writeFileSync(join(target, 'THIRD-PARTY-LICENSES.txt'), licenseTexts(ROOT, bundled()));
writeFileSync(join(target, 'package.json'), `${JSON.stringify(packageJson(), null, 2)}\n`);
console.log(`${target}: ${kilobytes()} kB`);

/** The files of which something is in the bundle. */
function bundled(): string[] {
  return written.flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

function packageJson() {
  const { name, version, license, engines } = manifest;
  return {
    name,
    version,
    description: 'Countersign from a shell: licences and keys for operators, activation for buyers.',
    license,
    type: 'module',
    engines,
    bin: { countersign: BIN },
  };
}

function kilobytes(): string {
  return (written.reduce((total, { bytes }) => total + bytes, 0) / 1000).toFixed(0);
}
