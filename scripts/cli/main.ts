/** `countersign`: what operators and buyers do, from a shell. */
import { createProgram, runProgram } from './program.ts';
import { addStoreCommands } from './store-commands.ts';

await runProgram(addStoreCommands(createProgram()));
