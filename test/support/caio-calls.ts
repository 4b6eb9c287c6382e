/** Calls of an installation with a CAIO licence, over HTTP. */
import { randomUUID } from 'node:crypto';
import { caioV2 } from '../../shared/formats/caio-v2.ts';
import { normalizeLicenseKey } from '../../shared/license-key.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { documentPath } from '../../shared/records/paths.ts';
import type { CaioPayload } from '../../shared/wire/issued.ts';
import { caioPayload } from './issued-licenses.ts';
import type { Answer, TestService } from './service.ts';

export type LicensingCall = 'activate' | 'validate' | 'renew' | 'deactivate';

export interface CaioCalls {
  call(
    call: LicensingCall,
    text: string,
    instanceId?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  status(instanceId?: string): Promise<Answer>;
}

export function caioCallsOn(baseUrl: () => string): CaioCalls {
  const header = (id?: string): Record<string, string> =>
    id === undefined ? {} : { 'x-caio-instance-id': id };
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(new URL(path, baseUrl()), init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return {
    call: (name, text, instanceId, headers) =>
      send(`/api/v1/licensing/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...header(instanceId), ...headers },
        body: JSON.stringify({ license_key: text }),
      }),
    status: (instanceId) => send('/api/v1/licensing/status', { headers: header(instanceId) }),
  };
}

export interface CaioOnRecord {
  readonly text: string;
  readonly licenseId: string;
  readonly licenseKey: string;
  readonly hash: string;
}

/** A CAIO licence that our key signs, on record as one that an operator has issued. */
export async function addCaio(
  service: TestService,
  overrides: Partial<CaioPayload> = {},
): Promise<CaioOnRecord> {
  const payload = caioPayload(overrides);
  const { max_instances, max_services, max_requests_per_day } = payload;
  const licenseId = randomUUID();
  const licenseKey = await service.addLicense({
    licenseId,
    customer: { id: payload.customer_id, name: 'Acme' },
    expiresAt: payload.expires_at === null ? null : Date.parse(payload.expires_at),
    limits: { max_instances, max_services, max_requests_per_day },
  });
  const hash = service.ports.hasher.hash('license', normalizeLicenseKey(licenseKey));
  const text = await storeCaio(service.ports, { hash, licenseId }, payload);
  return { text, licenseId, licenseKey, hash };
}

/** One more document of a licence. `place` stands for the kid in its path, so that one key can have several. */
export async function storeCaio(
  ports: Pick<Ports, 'keys' | 'store'>,
  { hash, licenseId }: { hash: string; licenseId: string },
  payload: CaioPayload,
  place?: string,
): Promise<string> {
  const signature = await ports.keys.sign('EC_SIGN_ED25519', () => caioV2.signedBytes(payload, KEYLESS));
  const text = caioV2.encode(payload, signature);
  const path = documentPath(hash, 'caio-v2', place ?? signature.kid);
  const fields = {
    license_id: licenseId,
    customer_id: payload.customer_id,
    format: 'caio-v2',
    kid: signature.kid,
    text,
    issued_at: Date.parse(payload.issued_at),
    replaces: null,
  };
  await ports.store.commit([{ op: 'set', path, fields, demand: 'absent' }]);
  return text;
}

/** A CAIO licence names no key, so its bytes are the same for all. */
const KEYLESS = { kid: '', algorithm: 'EC_SIGN_ED25519' } as const;
