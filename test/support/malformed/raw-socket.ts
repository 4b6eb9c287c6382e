/** HTTP written and read by hand, for what no client library would send. */
import { connect } from 'node:net';
import { type Answer, bodyOf, type Shot } from './shot.ts';

/** After that long without an answer or an end, a connection has failed. */
export const ANSWER_LIMIT_MS = 10_000;
const HALF_CLOSE_AFTER_MS = 150;

/** All answers on one connection, until the server closes it. */
export function sendRaw(baseUrl: string, shot: Shot): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port: Number(new URL(baseUrl).port), host: '127.0.0.1' });
    const limit = setTimeout(() => socket.destroy(new Error('neither answered nor closed')), ANSWER_LIMIT_MS);
    let failure: NodeJS.ErrnoException | undefined;
    socket.on('data', (chunk) => chunks.push(chunk));
    // A server that answers early may close before it has read everything.
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      clearTimeout(limit);
      const received = Buffer.concat(chunks).toString('latin1');
      if (failure !== undefined && failure.code === undefined) reject(failure);
      else resolve(readAnswers(received, shot.method === 'HEAD'));
    });
    const bytes = Buffer.from(shot.bytes ?? writeRequest(shot), 'latin1');
    socket.write(bytes);
    // Node gives up a request that it still works on when the other side closes, so this waits for an answer first.
    if (shot.halfClose) setTimeout(() => socket.end(), HALF_CLOSE_AFTER_MS);
  });
}

function writeRequest(shot: Shot): string {
  const body = bodyOf(shot)?.toString('latin1');
  const lines = [`${shot.method} ${shot.path} HTTP/1.1`, 'host: a.test'];
  const isUpgrade = shot.headers.some(([name]) => name === 'upgrade');
  lines.push(
    `connection: ${isUpgrade ? 'upgrade, close' : 'close'}`,
    ...shot.headers.map(([name, value]) => `${name}: ${value}`),
  );
  if (body === undefined) return `${lines.join('\r\n')}\r\n\r\n`;
  if (!shot.chunked) return `${[...lines, `content-length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`;
  const chunks = body.match(/[\s\S]{1,16000}/g) ?? [];
  const framed = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  return `${[...lines, 'transfer-encoding: chunked'].join('\r\n')}\r\n\r\n${framed}0\r\n\r\n`;
}

function readAnswers(received: string, isHead: boolean): Answer[] {
  const answers: Answer[] = [];
  for (let rest = received; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1] ?? 0);
    if (end < 0 || status === 0) return [...answers, { status: 0, headers: {}, text: rest }];
    const pairs = lines.map((line) => [
      line.split(':', 1)[0]?.toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]);
    const headers = Object.fromEntries(pairs) as Record<string, string>;
    const length = isHead
      ? 0
      : Number(headers['content-length'] ?? (status === 204 || status < 200 ? 0 : Number.NaN));
    const bodyEnd = Number.isNaN(length) ? rest.length : end + 4 + length;
    const text = Buffer.from(rest.slice(end + 4, bodyEnd), 'latin1').toString('utf8');
    // 100 Continue is no answer yet.
    if (status >= 200) answers.push({ status, headers, text });
    rest = rest.slice(bodyEnd);
  }
  return answers;
}
