/** The calls that AEGIS clients know, each with just the members that they were promised. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goodSending } from '../support/refusals/every-row.ts';
import { caseOf } from '../support/refusals/index.ts';
import { type Stage, startStage } from '../support/refusals/stage.ts';

const CUSTOMER = 'id name email company phone address notes is_active created_at updated_at';
const PAGE = 'total page page_size total_pages';

/** By operation: its status, and the members of its answer. */
const PROMISED: readonly (readonly [operationId: string, status: number, members: string])[] = [
  ['createCustomer', 201, CUSTOMER],
  ['getCustomer', 200, CUSTOMER],
  ['changeCustomer', 200, CUSTOMER],
  ['revokeLicense', 200, 'message license_id'],
  ['fingerprint', 200, 'fingerprint db_uuid domain'],
];

/** Answers that have more: ours of before, which no client of theirs minds. */
const AMONG_OTHERS: readonly (readonly [operationId: string, status: number, members: string])[] = [
  ['issueLicense', 201, 'id customer_id module_name allowed_major_versions license_type token key_id notes'],
  ['getLicense', 200, 'id customer_id module_name license_type status expires_at instance_fingerprint token'],
  ['validate', 200, 'valid license_id license_type customer_name expires_at error'],
  ['licenseStats', 200, 'by_status by_type'],
  ['listCustomers', 200, `customers ${PAGE}`],
  ['listLicenses', 200, `licenses ${PAGE}`],
  ['listAuditLogs', 200, `events ${PAGE}`],
  ['getHealth', 200, 'status version environment store'],
  ['getInfo', 200, 'name issuer active_key_ids'],
];

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage(store);
  });
  afterAll(() => stage.stop());

  async function answerOf(operationId: string) {
    const row = stage.instances.sound.endpoints.find((endpoint) => endpoint.operationId === operationId);
    if (row === undefined) throw new Error(`nothing serves ${operationId}`);
    return stage.send(await goodSending({ stage, row, theCase: caseOf(row) }));
  }

  test.each(PROMISED)('%s answers %i with %s', async (operationId, expected, members) => {
    const { status, body } = await answerOf(operationId);
    expect([status, Object.keys(body).sort()]).toEqual([expected, members.split(' ').sort()]);
  });

  test.each(AMONG_OTHERS)('%s answers %i with %s among others', async (operationId, expected, members) => {
    const { status, body } = await answerOf(operationId);
    expect(status).toBe(expected);
    expect(Object.keys(body)).toEqual(expect.arrayContaining(members.split(' ')));
  });

  test('statistics count what there is by status and type, and the newest event comes first', async () => {
    const { ready } = stage;
    const count = async () => (await ready.operator('GET', '/api/v1/admin/stats')).body;
    const before = await count();
    const { id } = await ready.license();
    const after = await count();
    expect([after.by_status.active - before.by_status.active, after.total - before.total]).toEqual([1, 1]);
    expect(after.by_type.subscription - before.by_type.subscription).toBe(1);
    await ready.operator('DELETE', `/api/v1/licenses/${id}/revoke`, { reason: 'x' });
    expect((await count()).by_status.revoked - before.by_status.revoked).toBe(1);
    const { body } = await ready.operator('GET', '/api/v1/admin/audit-logs?page_size=2');
    expect(body.events).toMatchObject([
      { action: 'licenses.revoke', target: id },
      { action: 'documents.issue', target: id },
    ]);
    expect(body.events[0].seq).toBe(body.events[1].seq + 1);
  });
});
