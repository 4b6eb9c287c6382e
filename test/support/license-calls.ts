/** Short forms for tests of what happens to a licence and its sessions: calls over HTTP, and looks into the store. */
import type { Fields } from '../../shared/ports/document-store.ts';
import { seatsPath, sessionsPath } from '../../shared/records/paths.ts';
import type { Answer, TestService } from './service.ts';

export interface LicenseCalls {
  acquire(licenseKey: string, hardwareId: string): Promise<Answer>;
  heartbeat(sessionId: string): Promise<Answer>;
  sweep(): Promise<Answer>;
  hashOf(licenseKey: string): string;
  countSeats(licenseKey: string): Promise<number>;
  countSessions(licenseKey: string): Promise<number>;
  usageOf(licenseKey: string): Promise<Fields[]>;
}

/** `started` is asked at every call: tests are declared before the service is started. */
export function callsOn(started: () => TestService): LicenseCalls {
  const hashOf = (key: string) => started().ports.hasher.hash('license', key);
  const count = async (collection: string) => (await started().ports.store.aggregate({ collection })).count;
  return {
    acquire: (license_key, hardware_id) =>
      started().post('/api/v1/licenses/acquire', { license_key, hardware_id }),
    heartbeat: (session_id) => started().post('/api/v1/licenses/heartbeat', { session_id }),
    sweep: () => started().post('/api/v1/maintenance/sweep', {}),
    hashOf,
    countSeats: (key) => count(seatsPath(hashOf(key))),
    countSessions: (key) => count(sessionsPath(hashOf(key))),
    usageOf: async (key) => {
      const usage = await started().ports.store.query({ collection: 'usage' });
      return usage.filter(({ path }) => path.startsWith(`usage/${hashOf(key)}_`)).map(({ fields }) => fields);
    },
  };
}
