/**
 * Starts a TypeScript program of this folder, or says what is missing. This file alone has to run on any Node.
 *
 * @example node scripts/launch.js start.ts
 */
const NEEDED_MAJOR = 24;

const [major] = process.versions.node.split('.').map(Number);
const [, , program = 'start.ts'] = process.argv;

if (major < NEEDED_MAJOR) {
  process.stderr.write(
    `Countersign needs Node ${NEEDED_MAJOR} or later, and this is Node ${process.versions.node}.\n` +
      `Run "npm ci" and then "npm ${program === 'demo.ts' ? 'run demo' : 'start'}": npm ci brings its own Node ${NEEDED_MAJOR}.\n`,
  );
  process.exit(1);
}

await import(new URL(program, import.meta.url).href);
