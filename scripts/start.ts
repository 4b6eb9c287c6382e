/** `npm start`: the local stack, until Ctrl-C. */
import { resolve } from 'node:path';
import { StackError, startStack } from './local/stack.ts';

const DEFAULT_PORT = '8080';
const DEFAULT_HOME = '.countersign';

const home = resolve(process.env.COUNTERSIGN_HOME || DEFAULT_HOME);

try {
  const stack = await startStack({ home, port: readPort(process.env.PORT || DEFAULT_PORT) });
  const { base_url: url } = stack.local;
  console.log(`Countersign ${stack.version} serves ${url}

  page of the API   ${url}/docs
  licence keys      ${home}/local.json
  state             ${home}

Ctrl-C stops it.`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(stack.stop));
} catch (error) {
  fail(error);
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new StackError(`PORT must be a number from 0 to 65535, and it is "${text}".`);
}

async function stop(stopStack: () => Promise<void>): Promise<void> {
  await stopStack();
  console.log('Stopped.');
  process.exit(0);
}

function fail(error: unknown): never {
  const sentence =
    error instanceof StackError ? error.message : `${error instanceof Error ? error.stack : error}`;
  console.error(`Countersign cannot start. ${sentence}`);
  process.exit(1);
}
