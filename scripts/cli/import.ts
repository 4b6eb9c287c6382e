/** `countersign import FILE`: the ledger of the DataTools system, line by line, as often as it takes. */
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AdminClient } from '../../shared/client/admin-client.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import { MAX_IMPORT_LINES } from '../../shared/wire/import.ts';
import { examples } from './examples.ts';
import { type Line, MAX_SENT_BYTES, readLines } from './import-lines.ts';
import { answer, type OutputOptions, remark } from './output.ts';
import { type Progress, showProgress } from './progress.ts';
import { EXIT_CODES, run } from './run.ts';
import { openService } from './service.ts';
import { printable } from './table.ts';

interface ImportOptions extends OutputOptions {
  readonly customer: string;
  readonly product: string;
  readonly failures?: string;
  readonly requireVerified?: boolean;
}

interface Totals {
  added: number;
  known: number;
  refused: number;
  /** Of the added and known. */
  unverified: number;
}

const OWNER_ONLY = 0o600;

export function addImportCommand(program: Command): void {
  examples(
    program.command('import <file>'),
    'customers add datatools --name "DataTools buyers"',
    'import ledger.jsonl --failures failed.jsonl',
  )
    .description('import a DataTools ledger: lines of JSON, each a licence with its blob')
    .option('--customer <id>', 'whose licences they become', 'datatools')
    .option('--product <name>', 'what they are licences of', 'datatools')
    .option('--failures <file>', 'write the lines that failed, and why, to this file instead of the screen')
    .option('--require-verified', 'refuse lines whose signature no key of the service has verified')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      '\nA line that was imported before is left alone: after an interruption, give the same command again.',
    )
    .action((path: string, options: ImportOptions) => run(() => importFile(path, options)));
}

/** @throws OperatorError, ServiceError, UnreachableError */
async function importFile(path: string, options: ImportOptions): Promise<void> {
  const service = openService();
  // In bytes, because nobody has counted the lines.
  const total = sizeOf(path);
  const file = options.failures === undefined ? undefined : await openFailures(options.failures, path);
  const progress = showProgress({ total, what: 'Import', json: options.json, isCounted: false });
  const failures = file ?? onScreen(progress);
  const totals: Totals = { added: 0, known: 0, refused: 0, unverified: 0 };
  let reached = 0;
  try {
    for await (const batch of batchesOf(readLines(path))) {
      for (const { line, outcome, reason, verified } of await importBatch(service, batch, options)) {
        totals[outcome] += 1;
        if (verified === false) totals.unverified += 1;
        if (outcome === 'refused') await failures.write(line.number, reason ?? '');
      }
      const last = batch.at(-1);
      reached = last?.number ?? reached;
      progress.reach(last?.end ?? 0);
    }
  } catch (error) {
    progress.end();
    tell(options, totals);
    remark(`It stopped after line ${reached}; of the lines that follow some may have been added.`);
    throw error;
  } finally {
    progress.end();
    await failures.close();
  }
  tell(options, totals);
  if (totals.refused > 0) process.exitCode = EXIT_CODES.failed;
}

function tell(options: ImportOptions, totals: Totals): void {
  const { added, known, refused, unverified } = totals;
  const counts = `${added} added, ${known} known before, ${refused} refused, ${unverified} not verified.`;
  answer(options, totals, () => counts);
  if (unverified > 0 && !options.json)
    remark('Of those that are not verified the service lists no key. It signs none of them anew.');
}

function sizeOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile()) return stats.size;
  throw new OperatorError(`${path} is no file.`);
}

async function importBatch(service: AdminClient, batch: readonly Line[], options: ImportOptions) {
  const sent = batch.flatMap((line) => (line.text === undefined ? [] : [line.text]));
  const { customer: customer_id, product, requireVerified: require_verified = false } = options;
  const request = { lines: sent, customer_id, product, require_verified };
  const results = sent.length === 0 ? [] : (await service.licenses.import(request)).results;
  let next = 0;
  return batch.map((line) => {
    if (line.text === undefined)
      return { line, outcome: 'refused', reason: line.problem, verified: null } as const;
    const result = results[next++];
    if (result === undefined) throw new OperatorError('The service has not answered for every line.');
    return { line, outcome: result.outcome, reason: result.reason, verified: result.verified };
  });
}

/** As many lines as a request takes. */
async function* batchesOf(lines: AsyncIterable<Line>): AsyncGenerator<readonly Line[]> {
  let [batch, bytes]: [Line[], number] = [[], 0];
  for await (const line of lines) {
    const more = line.sentBytes;
    if (batch.length > 0 && (batch.length === MAX_IMPORT_LINES || bytes + more > MAX_SENT_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(line);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}

interface Failures {
  write(line: number, reason: string): Promise<void>;
  close(): Promise<void>;
}

function onScreen(progress: Progress): Failures {
  return {
    write: async (line, reason) => progress.say(printable(`Line ${line}: ${reason}`)),
    close: async () => {},
  };
}

function isSameFile(path: string, other: string): boolean {
  const [one, two] = [path, other].map((each) => statSync(each, { throwIfNoEntry: false }));
  return one !== undefined && one.ino === two?.ino && one.dev === two.dev;
}

/** @throws OperatorError */
async function openFailures(path: string, ledger: string): Promise<Failures> {
  if (isSameFile(path, ledger)) throw new OperatorError(`--failures would overwrite ${ledger} itself.`);
  const file = await open(path, 'w', OWNER_ONLY).catch((cause: Error) => {
    throw new OperatorError(`${path} cannot be written: ${cause.message}`, { cause });
  });
  return {
    write: async (line, reason) => {
      await file.write(`${JSON.stringify({ line, reason })}\n`);
    },
    close: () => file.close(),
  };
}
