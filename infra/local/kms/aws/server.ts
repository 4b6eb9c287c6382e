/**
 * AWS's JSON 1.1 protocol over HTTP: POST / with the operation in `x-amz-target`.
 *
 * A request must be signed, as the SDK does by itself, but the signature is not checked: the port is reachable
 * from this machine only.
 */

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Faults } from '../faults.ts';
import type { Body } from './body.ts';
import { AwsError, awsErrorOf } from './errors.ts';
import { type AwsCounts, awsOperations, type LocalAwsKeys, type Operation } from './operations.ts';

const TARGET = /^TrentService\.(\w+)$/;

export interface LocalAwsKmsServer {
  readonly port: number;
  counts(): AwsCounts;
  close(): void;
}

/**
 * Serves on 127.0.0.1; `port` 0 takes any free one.
 *
 * @throws Error with a sentence for the operator when the port cannot be used.
 */
export async function serveAwsKms(
  keys: LocalAwsKeys,
  faults: Faults,
  port: number,
): Promise<LocalAwsKmsServer> {
  const counts: AwsCounts = { signs: { requested: 0, succeeded: 0 }, publicKeys: 0, macVerifies: 0 };
  const operations = awsOperations(keys, faults, counts);
  const server = createServer((request, response) => {
    serve(operations, request).then(
      (answer) => send(response, 200, answer),
      (error: unknown) => {
        const { type, message, httpStatus } = awsErrorOf(error);
        send(response, httpStatus, { __type: type, message });
      },
    );
  });
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new Error(
      `The local KMS cannot listen on 127.0.0.1:${port} (${reason}); stop what uses that port, or set LOCAL_KMS_AWS_PORT to another one (0 for any free one).`,
      { cause },
    );
  }
  return {
    port: (server.address() as AddressInfo).port,
    counts: () => counts,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function serve(operations: ReadonlyMap<string, Operation>, request: IncomingMessage) {
  const { method, url, headers } = request;
  const [, name = ''] = TARGET.exec(String(headers['x-amz-target'])) ?? [];
  const operation = operations.get(name);
  if (method !== 'POST' || url !== '/' || operation === undefined) {
    throw new AwsError('UnknownOperationException', 'The local KMS does not have this operation.');
  }
  if (headers.authorization === undefined) {
    throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  return operation(await bodyOf(request));
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  const body: unknown = await json(request).catch((error: Error) => {
    throw new AwsError('SerializationException', error.message);
  });
  if (typeof body === 'object' && body !== null) return body as Body;
  throw new AwsError('SerializationException', 'The body is no JSON object.');
}

/** Operations that answer nothing send no body. */
function send(response: ServerResponse, httpStatus: number, answer: unknown): void {
  response.writeHead(httpStatus, {
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-requestid': randomUUID(),
  });
  response.end(answer === undefined ? '' : JSON.stringify(answer));
}
