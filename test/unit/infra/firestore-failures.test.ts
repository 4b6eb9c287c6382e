/** What a failed commit means, by the status and the message that Firestore gives; some no test server gives. */
import { describe, expect, test } from 'vitest';
import { FirestoreCallError, type GrpcStatus } from '../../../infra/stores/firestore/client.ts';
import { commitFailure } from '../../../infra/stores/firestore/failures.ts';
import { createNames } from '../../../infra/stores/firestore/names.ts';
import type { Write } from '../../../shared/ports/document-store.ts';

const names = createNames('acme', '(default)');
const licence = 'licenses/a';
const seat = 'licenses/a/seats/1';
const demanding: Write[] = [
  { op: 'update', path: licence, fields: { n: 1 } },
  { op: 'set', path: seat, fields: {}, demand: 'absent' },
];
const demandless: Write[] = [
  { op: 'set', path: licence, fields: {} },
  { op: 'delete', path: seat },
];

const failed = (status: GrpcStatus, message: string, sent = true) =>
  new FirestoreCallError(status, message, { sent });

describe('a conflict', () => {
  test.each<[GrpcStatus, string, string | undefined]>([
    ['ALREADY_EXISTS', `Document already exists: ${names.nameOf(seat)}`, seat],
    ['NOT_FOUND', `No document to update: ${names.nameOf(licence)}`, licence],
    ['FAILED_PRECONDITION', 'the stored version (1) does not match the required base version (2)', undefined],
    ['NOT_FOUND', 'no entity to update: app: "dev~acme"', undefined],
    ['ALREADY_EXISTS', 'entity already exists', undefined],
    ['NOT_FOUND', `No document to update: ${names.nameOf('customers/x')}`, undefined],
    // A document of this name, and a database that is not there, must not be taken for each other.
    [
      'NOT_FOUND',
      'No document to update: projects/acme/databases/(default)/documents/a/database does not exist',
      undefined,
    ],
  ])('%s: %s', (status, message, path) => {
    const failure = failed(status, message);
    expect(commitFailure(failure, demanding, names)).toMatchObject({
      name: 'ConflictError',
      path,
      cause: failure,
    });
  });
});

describe('no conflict, for ever: the operator has to look', () => {
  test.each<[GrpcStatus, string]>([
    [
      'NOT_FOUND',
      'The database (default) does not exist for project acme Please visit https://console.cloud.google.com/datastore/setup?project=acme to add a Cloud Datastore or Cloud Firestore database.',
    ],
    [
      'NOT_FOUND',
      'The project acme does not exist or it does not contain an active Cloud Datastore or Cloud Firestore database.',
    ],
    [
      'FAILED_PRECONDITION',
      'The Cloud Firestore API is not available for Firestore in Datastore Mode database projects/acme/databases/(default).',
    ],
    ['PERMISSION_DENIED', 'Missing or insufficient permissions.'],
    ['UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
    ['INVALID_ARGUMENT', 'Invalid resource field value in the request.'],
    ['OUT_OF_RANGE', 'out of range'],
    ['UNIMPLEMENTED', 'unimplemented'],
    ['DATA_LOSS', 'data loss'],
  ])('%s: %s', (status, message) => {
    const failure = failed(status, message);
    expect(commitFailure(failure, demanding, names)).toMatchObject({
      code: 'store_unavailable',
      message: 'The store refused; the operator has to look at the log.',
      retryAfterSeconds: 60,
      cause: failure,
    });
  });

  test.each<GrpcStatus>(['NOT_FOUND', 'ALREADY_EXISTS', 'FAILED_PRECONDITION'])(
    '%s for writes that demand nothing',
    (status) => {
      expect(commitFailure(failed(status, 'whatever'), demandless, names)).toMatchObject({
        code: 'store_unavailable',
      });
    },
  );
});

test.each<GrpcStatus>([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'INTERNAL',
  'UNKNOWN',
  'CANCELLED',
  'ABORTED',
  'RESOURCE_EXHAUSTED',
])('%s: interrupted if it was sent, unavailable if not', (status) => {
  const [sent, kept] = [failed(status, 'x'), failed(status, 'x', false)];
  expect(commitFailure(sent, demanding, names)).toMatchObject({
    name: 'CommitInterruptedError',
    cause: sent,
  });
  expect(commitFailure(kept, demanding, names)).toMatchObject({ code: 'store_unavailable', cause: kept });
});

test('a document that an update made too large is the caller’s mistake', () => {
  const message = `Document '${names.nameOf(licence)}' cannot be written because its size (1,200,100 bytes) exceeds the maximum allowed size of 1,048,576 bytes.`;
  const error = commitFailure(failed('INVALID_ARGUMENT', message), demanding, names);
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toBe('a document takes at most 1048576 bytes.');
});
