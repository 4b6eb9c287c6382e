/** What a program has loaded when it ends, and what is inside it where that is a bundle. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { spawnProgram } from './spawn-stack.ts';

/** Stores, KMSs, and the SDKs of two clouds, by URL or by path below the repository. */
export const HEAVY =
  /node_modules\/(?:@google-cloud|google-gax|@grpc|@aws-sdk|@smithy|google-auth-library|node-forge)\/|(?:^|\/)infra\/(?:kms|stores)\//;

/** Prints the URL of each module that is loaded, of ES modules and of CommonJS, when the process ends. */
const RECORDER = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  const urls = [];
  registerHooks({ load(url, context, next) { urls.push(url); return next(url, context); } });
  process.on('exit', () => process.stderr.write('LOADED ' + JSON.stringify(urls)));
`)}`;

/** URLs of what `node file args` has loaded. */
export async function loadedBy(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const { stderr } = await spawnProgram(file, args, { nodeArgs: ['--import', RECORDER], env }).ended;
  return JSON.parse(/LOADED (\[.*\])$/.exec(stderr)?.[1] ?? 'null');
}

/** esbuild names what it has put together, below the repository, in a comment before each. */
const ORIGIN = /^ *\/\/ (?:named:)?((?:node_modules|functions|infra|scripts|shared)\/\S+)$/gm;

/** The files that a file of a bundle was made of. */
export function originsIn(bundled: string): string[] {
  return [...readFileSync(bundled, 'utf8').matchAll(ORIGIN)].map(([, path = '']) => path);
}

/** The files that what was loaded was made of. */
export function originsOf(urls: readonly string[]): string[] {
  return urls.filter((url) => url.startsWith('file:')).flatMap((url) => originsIn(fileURLToPath(url)));
}
