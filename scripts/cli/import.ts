/** `countersign import FILE`: the ledger of the DataTools system, line by line, as often as it takes. */
import { statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AdminClient } from '../../shared/client/admin-client.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import { MAX_IMPORT_LINES } from '../../shared/wire/import.ts';
import { examples } from './examples.ts';
import { type Line, readLines } from './import-lines.ts';
import { answer, type OutputOptions, remark } from './output.ts';
import { showProgress } from './progress.ts';
import { EXIT_CODES, run } from './run.ts';
import { openService } from './service.ts';

interface ImportOptions extends OutputOptions {
  readonly customer: string;
  readonly product: string;
  readonly failures?: string;
}

/** Below the 64 KiB that a request may have. */
const MAX_BATCH_BYTES = 60_000;
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
  const progress = showProgress({ total, what: 'Import', json: options.json, isCounted: false });
  const failures = await openFailures(options.failures);
  const totals = { added: 0, known: 0, refused: 0 };
  try {
    for await (const batch of batchesOf(readLines(path))) {
      for (const { line, outcome, reason } of await importBatch(service, batch, options)) {
        totals[outcome] += 1;
        if (outcome === 'refused') await failures.write(line.number, reason ?? '');
      }
      progress.reach(batch.at(-1)?.end ?? 0);
    }
  } finally {
    progress.end();
    await failures.close();
  }
  const { added, known, refused } = totals;
  answer(options, totals, () => `${added} added, ${known} known before, ${refused} refused.`);
  if (refused > 0) process.exitCode = EXIT_CODES.failed;
}

function sizeOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile()) return stats.size;
  throw new OperatorError(`${path} is no file.`);
}

async function importBatch(service: AdminClient, batch: readonly Line[], options: ImportOptions) {
  const sent = batch.flatMap((line) => (line.text === undefined ? [] : [line.text]));
  const { customer: customer_id, product } = options;
  const request = { lines: sent, customer_id, product };
  const results = sent.length === 0 ? [] : (await service.licenses.import(request)).results;
  let next = 0;
  return batch.map((line) => {
    if (line.text === undefined) return { line, outcome: 'refused', reason: line.problem } as const;
    const result = results[next++];
    if (result === undefined) throw new OperatorError('The service has not answered for every line.');
    return { line, outcome: result.outcome, reason: result.reason };
  });
}

/** As many lines as a request takes. */
async function* batchesOf(lines: AsyncIterable<Line>): AsyncGenerator<readonly Line[]> {
  let [batch, bytes]: [Line[], number] = [[], 0];
  for await (const line of lines) {
    const more = Buffer.byteLength(JSON.stringify(line.text ?? '')) + 1;
    if (batch.length > 0 && (batch.length === MAX_IMPORT_LINES || bytes + more > MAX_BATCH_BYTES)) {
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

async function openFailures(path: string | undefined): Promise<Failures> {
  if (path === undefined)
    return { write: async (line, reason) => remark(`Line ${line}: ${reason}`), close: async () => {} };
  const file: FileHandle = await open(path, 'w', OWNER_ONLY);
  return {
    write: async (line, reason) => {
      await file.write(`${JSON.stringify({ line, reason })}\n`);
    },
    close: () => file.close(),
  };
}
