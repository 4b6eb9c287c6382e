/** `countersign`: what operators and buyers do, from a shell. */
import { createProgram, runProgram } from './program.ts';
import { addStoreCommands } from './store-commands.ts';

/** What a shell says of a program that SIGPIPE ended, which Node ignores. */
const READER_GONE = 141;

// As `head` does, whoever reads the answer may have seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(READER_GONE);
});

await runProgram(addStoreCommands(createProgram()));
