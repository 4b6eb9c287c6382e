/** Listens for a function that is registered with the functions-framework, on any free port. */
import type { AddressInfo } from 'node:net';
import { getTestServer } from '@google-cloud/functions-framework/testing';

export interface Listening {
  readonly baseUrl: string;
  stop(): Promise<void>;
}

export async function listenFor(functionName: string): Promise<Listening> {
  const server = getTestServer(functionName);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
