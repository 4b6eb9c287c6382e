/**
 * `countersign` as operators and buyers get it: built, packed, and installed without a network in a folder of its own.
 *
 *   const bundle = await installBundle();
 *   const { code, stdout } = await bundle.run('customers list', { COUNTERSIGN_URL: service.baseUrl });
 *   bundle.remove();
 */
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { type Ended, spawnProgram } from './spawn-stack.ts';

type Environment = Readonly<Record<string, string>>;

export interface InstalledBundle {
  /** Everything is below it. */
  readonly folder: string;
  /** The package, as npm has put it there. */
  readonly installed: string;
  /** The command, as a shell splits `args`; elsewhere than in the repository, with nothing of its environment. */
  run(args: string, environment?: Environment): Promise<Ended>;
  /** The JSON answer of a command that has to succeed without a remark. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  answered(args: string, environment?: Environment): Promise<any>;
  /** What a command that is refused says. */
  refused(args: string, environment?: Environment): Promise<string>;
  /** A script in a shell that knows the command. */
  shell(script: string, environment?: Environment): Promise<Ended>;
  /** Paths of the files in the package. */
  files(): string[];
  remove(): void;
}

/** Of a build before this one. */
const LEFT_OVER = 'left-over-ABCDEFGH.js';
const NPM = 'npm --offline --no-audit --no-fund --no-update-notifier --loglevel error';

export async function installBundle(): Promise<InstalledBundle> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
  const elsewhere = join(folder, 'elsewhere');
  const built = join(folder, 'built');
  const prefix = join(folder, 'prefix');
  const installed = join(prefix, 'lib', 'node_modules', 'countersign');
  for (const path of [elsewhere, join(built, 'chunks')]) mkdirSync(path, { recursive: true });
  writeFileSync(join(built, 'chunks', LEFT_OVER), '');

  const PATH = `${join(prefix, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}`;
  const home = { HOME: folder, XDG_CONFIG_HOME: join(folder, 'settings') };
  const shell: InstalledBundle['shell'] = (script, env = {}) =>
    spawnProgram('-c', [`cd "${elsewhere}"\n${script}`], {
      node: '/bin/bash',
      env: { PATH, ...home, ...env },
    }).ended;
  const run: InstalledBundle['run'] = (args, env) => shell(`countersign ${args}`, env);

  const build = await spawnProgram('scripts/build/cli.ts', [built]).ended;
  expect([build.code, build.stderr]).toEqual([0, '']);
  const install = await shell(
    `${NPM} pack --pack-destination "${folder}" "${built}" > packed &&
     ${NPM} install --global --prefix "${prefix}" "${folder}/$(cat packed)"`,
  );
  expect(install.code, install.stderr).toBe(0);
  expect(readdirSync(join(installed, 'chunks'))).not.toContain(LEFT_OVER);
  expect(existsSync(join(installed, 'node_modules'))).toBe(false);

  return {
    folder,
    installed,
    run,
    shell,
    async answered(args, env) {
      const { code, stdout, stderr } = await run(`${args} --json`, env);
      expect([code, stderr], stdout).toEqual([0, '']);
      return JSON.parse(stdout);
    },
    async refused(args, env) {
      const { code, stderr } = await run(args, env);
      expect(code, stderr).toBe(1);
      expect(stderr).not.toMatch(/^ +at /m);
      return stderr;
    },
    files: () =>
      globSync('**/*', { cwd: installed, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
