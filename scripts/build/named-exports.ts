/**
 * Names of what `import()` gets from a CommonJS package. Node reads them from its text
 * (https://nodejs.org/api/esm.html#commonjs-namespaces); esbuild, where it splits a bundle, gives such a module its default
 * export alone, and `const { KMSClient } = await import(…)` would be undefined.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OnResolveArgs, Plugin, PluginBuild } from 'esbuild';

const NAMESPACE = 'named';
/** What esbuild, too, takes a file for an ES module by. */
const ES_SYNTAX = /^(?:import|export)\b/m;
const INSTALLED = /\/node_modules\//;
/** In what Node answers for CommonJS beside the names, and never for an ES module. */
const WHOLE = 'module.exports';

/** @param root what paths in the bundle are relative to */
export function namedExports(root: string): Plugin {
  return {
    name: 'named-exports',
    setup(build) {
      build.onResolve({ filter: /^/ }, async (args) => {
        if (args.kind !== 'dynamic-import' || args.pluginData === NAMESPACE) return;
        const path = await pathOf(args, build);
        const names = path === undefined ? undefined : await namesIn(path);
        if (path === undefined || names === undefined) return;
        return { path: relative(root, path), namespace: NAMESPACE, pluginData: names };
      });
      build.onLoad({ filter: /^/, namespace: NAMESPACE }, ({ path, pluginData }) => ({
        contents: moduleOf(join(root, path), pluginData),
        resolveDir: root,
      }));
    },
  };
}

/** Undefined for a module of Node or of this repository. */
async function pathOf(
  { path, kind, importer, resolveDir }: OnResolveArgs,
  build: PluginBuild,
): Promise<string | undefined> {
  const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: NAMESPACE });
  return found.external || !INSTALLED.test(found.path) ? undefined : found.path;
}

/** Undefined for an ES module, of which esbuild knows the names; some are for bundlers, and Node cannot load them. */
async function namesIn(path: string): Promise<readonly string[] | undefined> {
  if (ES_SYNTAX.test(readFileSync(path, 'utf8'))) return undefined;
  const names = Object.keys(await import(pathToFileURL(path).href));
  return names.includes(WHOLE) ? names.filter((name) => name !== WHOLE && name !== 'default') : undefined;
}

function moduleOf(path: string, names: readonly string[]): string {
  const exported = names.map((name, i) => `const e${i} = whole.${name}; export { e${i} as ${name} };`);
  return [`const whole = require(${JSON.stringify(path)});`, 'export default whole;', ...exported].join('\n');
}
