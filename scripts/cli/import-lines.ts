/** The lines of a ledger of any size: one at a time, so that a file of gigabytes takes no more memory than one of a line. */
import { createReadStream } from 'node:fs';

/** More than a licence of any system has; what could not be sent in one request is not read into memory either. */
export const MAX_LINE_BYTES = 32_768;

/** Of a line as JSON in a request, which may have 64 KiB: a character takes up to six bytes there. */
export const MAX_SENT_BYTES = 60_000;

export interface Line {
  /** From 1, as editors count. */
  readonly number: number;
  /** Undefined for a line that cannot be sent; `problem` says why. */
  readonly text: string | undefined;
  readonly problem: string | undefined;
  /** Bytes of `text` as a JSON string, and of the comma after it. */
  readonly sentBytes: number;
  /** Bytes of the file up to its end. */
  readonly end: number;
}

const LINE_FEED = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Lines that hold anything but white space. A mark at the beginning of the file and carriage returns are no part of them. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let [number, end, length] = [0, 0, 0];
  let parts: Buffer[] = [];

  function finish(): Line | undefined {
    number += 1;
    const line = length > MAX_LINE_BYTES ? tooLong(number, end) : decode(Buffer.concat(parts), number, end);
    [parts, length] = [[], 0];
    return line;
  }
  function keep(part: Buffer): void {
    length += part.length;
    if (length <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  }

  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, start)) {
      keep(chunk.subarray(start, at));
      end += at + 1 - start;
      start = at + 1;
      const line = finish();
      if (line !== undefined) yield line;
    }
    // A copy, because the rest of the chunk would be held with it.
    keep(Buffer.from(chunk.subarray(start)));
    end += chunk.length - start;
  }
  const last = finish();
  if (last !== undefined) yield last;
}

function tooLong(number: number, end: number): Line {
  return unsendable(number, end, `The line has more than ${MAX_LINE_BYTES} bytes.`);
}

function decode(bytes: Buffer, number: number, end: number): Line | undefined {
  try {
    const text = utf8.decode(bytes).trim();
    return text === '' ? undefined : sendable(number, end, text);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return unsendable(number, end, 'The line is not UTF-8.');
  }
}

function sendable(number: number, end: number, text: string): Line {
  const sentBytes = Buffer.byteLength(JSON.stringify(text)) + 1;
  if (sentBytes <= MAX_SENT_BYTES) return { number, end, text, problem: undefined, sentBytes };
  return unsendable(
    number,
    end,
    `The line takes ${sentBytes} bytes of a request, which has ${MAX_SENT_BYTES}.`,
  );
}

function unsendable(number: number, end: number, problem: string): Line {
  return { number, end, text: undefined, problem, sentBytes: 0 };
}
