/** How long the disk takes to make a write durable: no commit that is alone can be faster. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SAMPLES = 200;
/** A page of SQLite's write-ahead log. */
const PAGE_BYTES = 4096;

export function fsyncLatenciesMs(folder: string): number[] {
  const file = openSync(join(folder, 'fsync'), 'a');
  const page = Buffer.alloc(PAGE_BYTES, 1);
  const latencies = Array.from({ length: SAMPLES }, () => {
    writeSync(file, page);
    const startedAt = performance.now();
    fsyncSync(file);
    return performance.now() - startedAt;
  });
  closeSync(file);
  return latencies;
}
