/** Licences, as operators issue and change them. */
import type { Ports } from '../../shared/ports/ports.ts';
import { hardwareHashes } from '../../shared/usecases/create-license.ts';
import type { EditedLicense, LicenseRequest } from '../../shared/usecases/edit-license.ts';
import { editTerms } from '../../shared/usecases/edit-license-terms.ts';
import { entityTag } from '../../shared/usecases/entity-tag.ts';
import { findLicense, taggedPart, viewOf, withToken } from '../../shared/usecases/find-license.ts';
import { issueDocument } from '../../shared/usecases/issue-in-format.ts';
import { issueLicense } from '../../shared/usecases/issue-license.ts';
import { documentsOf } from '../../shared/usecases/license-documents.ts';
import { licenseStats } from '../../shared/usecases/license-stats.ts';
import { listDocuments } from '../../shared/usecases/list-documents.ts';
import { listLicenses } from '../../shared/usecases/list-licenses.ts';
import { renewLicense } from '../../shared/usecases/renew-license.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import { reinstate, revokeForGood, suspend } from '../../shared/usecases/suspend-license.ts';
import { transferLicense } from '../../shared/usecases/transfer-license.ts';
import * as wire from '../../shared/wire/admin-licenses.ts';
import { epochMilliseconds } from '../../shared/wire/instant.ts';
import {
  type Endpoint,
  type EndpointAnswer,
  type EndpointRequest,
  get,
  listed,
  patch,
  post,
  remove,
} from '../http/endpoint.ts';

const LICENSES = '/api/v1/licenses';
const LICENSE = `${LICENSES}/{id}`;
const CHANGE_ERRORS = [
  'license_not_found',
  'precondition_failed',
  'idempotency_conflict',
  'store_unavailable',
] as const;
const READING = { tag: 'licenses', access: 'licenses:read' } as const;
/** What all writes have in common. */
const WRITING = { tag: 'licenses', access: 'licenses:write', idempotent: true } as const;
/** What all changes of one licence have in common. */
const CHANGING = {
  ...WRITING,
  conditional: true,
  response: wire.license,
  answerHeaders: ['ETag'],
} as const;
const REPLAYED = { 'idempotent-replayed': 'true' };

export function adminLicenseEndpoints(ports: Ports, settings: Settings): Endpoint[] {
  return [
    ...collection(ports, settings),
    ...changes(ports, settings),
    ...statusChanges(ports),
    ...documents(ports, settings),
  ];
}

function collection(ports: Ports, settings: Settings): Endpoint[] {
  return [
    post({
      ...WRITING,
      operationId: 'issueLicense',
      path: LICENSES,
      summary: 'Issue a licence',
      description:
        'Answers the licence key, which is stored nowhere: only the same request with its Idempotency-Key is answered with it again. After `signing_unavailable` nothing was issued.',
      request: wire.issueLicenseRequest,
      response: wire.issuedLicense,
      success: 201,
      answerHeaders: ['ETag'],
      errors: [
        'customer_not_found',
        'customer_inactive',
        'license_key_taken',
        'idempotency_conflict',
        'signing_unavailable',
        'store_unavailable',
      ],
      handle: async ({ caller, idempotencyKey, raw, body }) => {
        const request = { caller, idempotencyKey, body: raw, wanted: body };
        const answer = await issueLicense(ports, settings, request);
        return { ...(await tagged(answer)), status: 201 };
      },
    }),
    get({
      ...READING,
      operationId: 'listLicenses',
      path: LICENSES,
      summary: 'List licences',
      description:
        'Newest first. Active and expired ones: first those without an end, newest first, then the others by their end. On from a cursor, how many there are is not counted.',
      query: wire.listLicensesQuery,
      response: wire.listLicensesResponse,
      errors: ['store_unavailable'],
      handle: async ({ caller, query }) => listed(await listLicenses(ports, caller, query)),
    }),
    get({
      ...READING,
      operationId: 'getLicense',
      path: LICENSE,
      summary: 'One licence',
      response: wire.license,
      answerHeaders: ['ETag'],
      errors: ['license_not_found', 'store_unavailable'],
      handle: async ({ caller, params }) => {
        const { hash, record } = await findLicense(ports, caller, idOf(params));
        const view = viewOf(record, ports.clock.now());
        return tagged({ license: withToken(view, await documentsOf(ports, hash)), replayed: false });
      },
    }),
    get({
      ...READING,
      operationId: 'licenseStats',
      path: '/api/v1/admin/stats',
      summary: 'Licences by status, type and tier',
      query: wire.licenseStatsQuery,
      response: wire.licenseStats,
      errors: ['store_unavailable'],
      handle: async ({ caller, query }) => ({ body: await licenseStats(ports, caller, query) }),
    }),
  ];
}

function changes(ports: Ports, settings: Settings): Endpoint[] {
  return [
    patch({
      ...CHANGING,
      operationId: 'changeLicense',
      path: LICENSE,
      summary: 'Change a licence',
      description:
        'Members that are absent stay. What a document says is signed anew; sessions beyond fewer seats move or run out.',
      request: wire.changeLicenseRequest,
      errors: ['license_revoked', 'signing_unavailable', ...CHANGE_ERRORS],
      handle: async (request) => {
        const {
          expires_at: end,
          allowed_hardware: machines,
          accept_unverified: accepts,
          ...plain
        } = request.body;
        const wanted = defined({
          ...plain,
          ...(accepts && { unverified: false }),
          ...(machines !== undefined && { allowed_hardware: hardwareHashes(ports.hasher, machines) }),
          ...(end !== undefined && { expires_at: end === null ? null : epochMilliseconds(end) }),
        });
        return tagged(await editTerms(ports, settings, requestOf(request), wanted));
      },
    }),
    post({
      ...CHANGING,
      operationId: 'renewLicense',
      path: `${LICENSE}/renew`,
      summary: 'Move the end of a licence',
      description: 'By whole days, from its end or from now, whichever is later.',
      request: wire.renewRequest,
      errors: ['license_revoked', 'not_renewable', 'signing_unavailable', ...CHANGE_ERRORS],
      handle: async (request) =>
        tagged(await renewLicense(ports, settings, requestOf(request), request.body.duration_days)),
    }),
    post({
      ...CHANGING,
      operationId: 'transferLicense',
      path: `${LICENSE}/transfer`,
      summary: 'Give a licence to another customer, or holder',
      request: wire.transferRequest,
      errors: [
        'license_revoked',
        'customer_not_found',
        'customer_inactive',
        'signing_unavailable',
        ...CHANGE_ERRORS,
      ],
      handle: async (request) => {
        const { customer_id: customerId, holder } = request.body;
        return tagged(await transferLicense(ports, settings, requestOf(request), { customerId, holder }));
      },
    }),
  ];
}

function statusChanges(ports: Ports): Endpoint[] {
  return [
    post({
      ...CHANGING,
      operationId: 'suspendLicense',
      path: `${LICENSE}/suspend`,
      summary: 'Suspend a licence',
      description: 'Nothing new is granted. Leases in force run out.',
      request: wire.reasonRequest,
      errors: ['license_revoked', ...CHANGE_ERRORS],
      handle: async (request) => tagged(await suspend(ports, requestOf(request), request.body.reason)),
    }),
    post({
      ...CHANGING,
      operationId: 'reinstateLicense',
      path: `${LICENSE}/reinstate`,
      summary: 'End the suspension of a licence',
      request: wire.reinstateRequest,
      errors: ['license_revoked', ...CHANGE_ERRORS],
      handle: async (request) => tagged(await reinstate(ports, requestOf(request))),
    }),
    remove({
      ...CHANGING,
      operationId: 'revokeLicense',
      path: `${LICENSE}/revoke`,
      summary: 'Revoke a licence for good',
      description: 'Its sessions end at once.',
      request: wire.reasonRequest,
      response: wire.revokeResponse,
      answerHeaders: [],
      errors: ['already_revoked', ...CHANGE_ERRORS],
      handle: async (request) => {
        const { replayed, licenseId } = await revokeForGood(ports, requestOf(request), request.body.reason);
        return {
          body: { message: 'The licence is revoked.', license_id: licenseId },
          ...(replayed && { headers: REPLAYED }),
        };
      },
    }),
  ];
}

function documents(ports: Ports, settings: Settings): Endpoint[] {
  return [
    get({
      ...READING,
      operationId: 'listDocuments',
      path: `${LICENSE}/documents`,
      summary: 'The documents that a licence was issued as, newest first',
      query: wire.listDocumentsQuery,
      response: wire.listDocumentsResponse,
      errors: [
        'license_not_found',
        'license_expired',
        'license_revoked',
        'license_suspended',
        'document_not_found',
        'signing_unavailable',
        'store_unavailable',
      ],
      handle: async ({ caller, params, query }) => {
        const asked = { caller, licenseId: idOf(params) };
        return { body: { documents: await listDocuments(ports, settings, asked, query) } };
      },
    }),
    post({
      ...WRITING,
      operationId: 'issueDocument',
      path: `${LICENSE}/documents`,
      summary: 'Issue a licence as a document in one more format',
      description:
        'Answers the one that is there when it says what the licence says, by a key that still signs.',
      request: wire.issueDocumentRequest,
      response: wire.licenseDocument,
      success: 201,
      errors: [
        'license_not_found',
        'license_expired',
        'license_revoked',
        'license_suspended',
        'idempotency_conflict',
        'signing_unavailable',
        'store_unavailable',
      ],
      handle: async (request) => {
        const { format, license_key: licenseKey } = request.body;
        const wanted = { format, licenseKey };
        const { document, replayed } = await issueDocument(ports, settings, requestOf(request), wanted);
        return { body: document, status: 201, ...(replayed && { headers: REPLAYED }) };
      },
    }),
  ];
}

function requestOf({
  caller,
  params,
  idempotencyKey,
  ifMatch,
  raw,
}: EndpointRequest<unknown>): LicenseRequest {
  return { caller, licenseId: idOf(params), idempotencyKey, ifMatch, body: raw };
}

const idOf = ({ id = '' }: EndpointRequest['params']) => id;

async function tagged({ license, replayed }: Omit<EditedLicense, 'hash'>): Promise<EndpointAnswer> {
  const { license_key: _, ...plain } = { license_key: '', ...license };
  return {
    body: license,
    headers: { etag: await entityTag(taggedPart(plain)), ...(replayed && REPLAYED) },
  };
}

/** Without the members that zod answers as undefined. */
function defined<Members extends object>(members: Members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Members]?: Exclude<Members[Name], undefined>;
  };
}
