/**
 * The command `countersign` as an operator of a service types it.
 *
 * ```ts
 * const { answered, refused } = countersignOn(() => ({ url: service.baseUrl, apiKey }));
 * const license = await answered('licenses', 'show', id);
 * await refused('customer_not_found', 'customers', 'show', 'nobody');
 * ```
 */
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Ended, REPOSITORY, spawnProgram } from './spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');

export interface Target {
  readonly url: string;
  readonly apiKey: string;
}

export interface Countersign {
  run(args: readonly string[], target?: Partial<Target>): Promise<Ended>;
  /** The JSON answer of a command that has to succeed without a remark. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  answered(...args: string[]): Promise<any>;
  /** Fails unless the command is refused with this code or sentence. */
  refused(why: string, ...args: string[]): Promise<void>;
  /** In a shell, where `countersign` is a command. */
  shell(script: string): Promise<Ended>;
}

/** `target` is asked at every call: tests are declared before a service is started. */
export function countersignOn(target: () => Target): Countersign {
  const environment = (other: Partial<Target> = {}) => {
    const { url, apiKey } = { ...target(), ...other };
    return { COUNTERSIGN_URL: url, COUNTERSIGN_API_KEY: apiKey };
  };
  const run: Countersign['run'] = (args, other) => spawnProgram(BIN, args, { env: environment(other) }).ended;
  return {
    run,
    async answered(...args) {
      const { code, stdout, stderr } = await run([...args, '--json']);
      expect([code, stderr], stdout).toEqual([0, '']);
      return JSON.parse(stdout);
    },
    async refused(why, ...args) {
      const { code, stdout, stderr } = await run([...args, '--json']);
      expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(why)]);
    },
    shell(script) {
      const text = `countersign() { "${process.execPath}" "${BIN}" "$@"; }\n${script}`;
      return spawnProgram('-c', [text], { node: '/bin/bash', env: environment() }).ended;
    },
  };
}
