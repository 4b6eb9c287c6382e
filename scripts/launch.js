/**
 * Starts a TypeScript program of this folder, or says what is missing. This file alone has to run on any Node.
 *
 * @example node scripts/launch.js start.ts
 */
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;

/** How a user starts each program with the Node that `npm ci` brings. */
const COMMANDS = { 'start.ts': 'npm start', 'demo.ts': 'npm run demo', 'cli/main.ts': 'npx countersign' };

const [major] = process.versions.node.split('.').map(Number);
const [program = 'start.ts'] = process.argv.splice(2, 1);

if (major < NEEDED_MAJOR) {
  process.stderr.write(
    `Countersign needs Node ${NEEDED_MAJOR} or later, and this is Node ${process.versions.node}.\n` +
      `Run "npm ci" and then "${COMMANDS[program] ?? program}": npm ci brings its own Node ${NEEDED_MAJOR}.\n`,
  );
  process.exit(1);
}

// What was compiled once is kept, also for the processes that a program starts. In a folder of this installation: whoever can
// write there can change the programs themselves.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url));
module.enableCompileCache();

await import(new URL(program, import.meta.url).href);
