/** What requests are made ready with: customers, licences, sessions and keys in a service that works. */
import { randomUUID } from 'node:crypto';
import type { LicenseRecord } from '../../../shared/records/license.ts';
import type { NewLicense } from '../../../shared/usecases/create-license.ts';
import { type AdminCall, adminCalls } from '../admin-calls.ts';
import { addCustomer } from '../customers.ts';
import { SUBSCRIPTION } from '../license-desk.ts';
import type { Answer, TestService } from '../service.ts';
import type { TestSmtp } from '../smtp.ts';
import { steadyKey } from '../steady-key.ts';

export interface Ready {
  readonly service: TestService;
  readonly smtp: TestSmtp;
  /** An operator who may do everything. */
  readonly operator: AdminCall;
  /** A name that nothing has yet. */
  fresh(kind: string): string;
  /** A new customer; its id. */
  customer(more?: object): Promise<string>;
  /** A new licence with an AEGIS document, as its issue was answered. */
  // biome-ignore lint/suspicious/noExplicitAny: what the wire brings
  license(wanted?: object): Promise<any>;
  /** The same, changed in the store as no operator could at once: expired, say. */
  // biome-ignore lint/suspicious/noExplicitAny: what the wire brings
  changed(fields: Partial<LicenseRecord>, wanted?: object): Promise<any>;
  /** A new floating licence and a session of it on `machine`. */
  session(wanted?: Partial<NewLicense>): Promise<Session>;
}

export interface Session {
  readonly licenseKey: string;
  readonly sessionId: string;
  readonly machine: string;
}

export async function makeReady(service: TestService, smtp: TestSmtp): Promise<Ready> {
  const operator = adminCalls(service, await steadyKey(service));
  const fresh = (kind: string) => `${kind}-${randomUUID()}`;

  const customer = (more?: object) => addCustomer(operator, more);

  async function license(wanted: object = {}) {
    const customer_id = 'customer_id' in wanted ? wanted.customer_id : await customer();
    const body = { ...SUBSCRIPTION, customer_id, ...wanted };
    return succeeded(await operator('POST', '/api/v1/licenses', body));
  }

  return {
    service,
    smtp,
    operator,
    fresh,
    customer,
    license,
    changed: async (fields, wanted) => {
      const issued = await license(wanted);
      await service.updateLicense(issued.license_key, fields);
      return issued;
    },
    session: async (wanted = {}) => {
      const licenseKey = await service.addLicense(wanted);
      const machine = fresh('machine');
      const claim = { license_key: licenseKey, hardware_id: machine };
      const { session_id } = succeeded(await service.post('/api/v1/licenses/acquire', claim));
      return { licenseKey, machine, sessionId: session_id };
    },
  };
}

function succeeded({ status, body }: Answer) {
  if (status >= 300) throw new Error(`what was to be made ready was refused: ${JSON.stringify(body)}`);
  return body;
}
