/** What a program needs to ask the clouds themselves: an operator's credentials, and a network where it is seen that it asks. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A proxy for HTTPS that lets nobody pass, and remembers which `host:port` they asked for. */
export async function openProxy() {
  const asked: string[] = [];
  const server = createServer().on('connect', ({ url }, socket) => {
    asked.push(url ?? '');
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { asked, url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

/** Writes them as the tools of the two clouds keep them; answers the environment that names them. */
export function credentialsIn(folder: string): Readonly<Record<string, string>> {
  const google = join(folder, 'service-account.json');
  const aws = join(folder, 'aws-credentials');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const account = {
    type: 'service_account',
    project_id: 'operators',
    client_email: 'operator@operators.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  writeFileSync(google, JSON.stringify(account));
  writeFileSync(aws, '[operator]\naws_access_key_id = operator\naws_secret_access_key = operator\n');
  return {
    GOOGLE_APPLICATION_CREDENTIALS: google,
    AWS_SHARED_CREDENTIALS_FILE: aws,
    AWS_PROFILE: 'operator',
    AWS_REGION: 'us-east-1',
  };
}
