/** The activations of a licence, as operators see them: in the order of their hashes, which nothing changes. */
import type { Caller } from '../access/caller.ts';
import type { Ports } from '../ports/ports.ts';
import { activationRecord } from '../records/activation.ts';
import { activationsPath, licensePath } from '../records/paths.ts';
import { type Paging, pagingOf } from '../wire/paging.ts';
import { isLive } from './activations-slots.ts';
import { findLicense } from './find-license.ts';
import { readList } from './read.ts';
import { together } from './together.ts';

/**
 * A licence without limits of its own has those of its document; so has each activation.
 * @throws CountersignError `license_not_found`, also for that of another customer; `store_unavailable`
 */
export async function listActivations(
  ports: Pick<Ports, 'store'>,
  caller: Pick<Caller, 'customerId'>,
  licenseId: string,
  paging: Paging,
) {
  const { hash, record } = await findLicense(ports, caller, licenseId);
  const collection = activationsPath(licensePath(hash));
  const { page, page_size: size } = paging;
  const [found, { count }] = await together([
    ports.store.query({ collection, limit: page * size }),
    ports.store.aggregate({ collection }),
  ]);
  const max = record.limits?.max_instances;
  const { items, damage } = readList(activationRecord, found.slice((page - 1) * size));
  const activations = items.map(({ record: activation }) => ({
    ...activation,
    isLive: isLive(activation, max ?? activation.max_instances),
  }));
  return { activations, maxInstances: max ?? null, paging: { ...pagingOf(paging, count), ...damage } };
}
