/** The cases of every endpoint by its operation id. */

import type { Endpoint } from '../../../functions/http/endpoint.ts';
import { ACCESS_CASES } from './access.ts';
import { CAIO_CASES } from './caio.ts';
import type { Case, Cases } from './case.ts';
import { CUSTOMER_CASES } from './customers.ts';
import { KEY_CASES } from './keys.ts';
import { LICENSE_CASES } from './licenses.ts';
import { SESSION_CASES } from './sessions.ts';

export const CASES: Cases = {
  ...CUSTOMER_CASES,
  ...ACCESS_CASES,
  ...LICENSE_CASES,
  ...SESSION_CASES,
  ...CAIO_CASES,
  ...KEY_CASES,
};

export const caseOf = ({ operationId }: Pick<Endpoint, 'operationId'>): Case =>
  CASES[operationId] ?? {
    good: () => Promise.reject(new Error(`${operationId} has no case that succeeds`)),
    refusals: {},
  };
