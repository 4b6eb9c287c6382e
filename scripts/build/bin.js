#!/usr/bin/env node
/** Runs the bundle, or says what is missing. This file alone has to run on any Node. */
const NEEDED_MAJOR = 24;

const [major] = process.versions.node.split('.').map(Number);
if (major < NEEDED_MAJOR) {
  process.stderr.write(
    `countersign needs Node ${NEEDED_MAJOR} or later, and this is Node ${process.versions.node}.\n`,
  );
  process.exit(1);
}

await import(new URL('main.js', import.meta.url).href);
