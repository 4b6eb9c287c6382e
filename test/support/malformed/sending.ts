/** Sends a shot as it says: by `fetch`, by Node's own client over kept connections, or as bytes on a socket. */
import { Agent, request as httpRequest } from 'node:http';
import { ANSWER_LIMIT_MS, sendRaw } from './raw-socket.ts';
import { type Answer, bodyOf, type Shot } from './shot.ts';

export interface Sender {
  /** All answers: one, or on a socket as many as came before the server closed it. */
  send(shot: Shot): Promise<Answer[]>;
  close(): void;
}

export function createSender(baseUrl: string, maxSockets: number): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets });
  return {
    send: async (shot) => {
      if (shot.via === 'fetch') return [await sendFetch(baseUrl, shot)];
      return shot.via === 'agent' ? [await sendAgent(baseUrl, agent, shot)] : sendRaw(baseUrl, shot);
    },
    close: () => agent.destroy(),
  };
}

async function sendFetch(baseUrl: string, shot: Shot): Promise<Answer> {
  const bytes = bodyOf(shot);
  const response = await fetch(new URL(shot.path, baseUrl), {
    method: shot.method,
    headers: shot.headers.map(([name, value]) => [name, value] as [string, string]),
    ...(bytes !== undefined && {
      body: shot.chunked ? streamOf(bytes) : new Uint8Array(bytes),
      duplex: 'half',
    }),
  } as RequestInit);
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.text(),
  };
}

function streamOf(bytes: Buffer): ReadableStream<Uint8Array> {
  return new Blob([new Uint8Array(bytes)]).stream();
}

function sendAgent(baseUrl: string, agent: Agent, shot: Shot): Promise<Answer> {
  const bytes = bodyOf(shot);
  const { port, hostname, host } = new URL(baseUrl);
  const framing =
    bytes === undefined
      ? []
      : shot.chunked
        ? [['transfer-encoding', 'chunked']]
        : [['content-length', String(bytes.length)]];
  const flat = [['host', host], ...shot.headers, ...framing].flat() as string[];
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      agent,
      port,
      hostname,
      method: shot.method,
      path: shot.path,
      headers: flat,
    });
    outgoing.setTimeout(ANSWER_LIMIT_MS, () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // The server had just closed this connection for being idle: https://nodejs.org/api/http.html#requestreusedsocket
      const isStale = outgoing.reusedSocket && error.code === 'ECONNRESET';
      if (isStale) sendAgent(baseUrl, agent, shot).then(resolve, reject);
      else reject(error);
    });
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string>,
          text,
        });
      });
    });
    outgoing.end(bytes);
  });
}
