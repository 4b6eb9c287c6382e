#!/usr/bin/env node
/** The command `countersign`. */
process.argv.splice(2, 0, 'cli/main.ts');
await import('./launch.js');
