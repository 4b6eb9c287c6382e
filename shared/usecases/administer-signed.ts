/**
 * A change that an operator makes together with the documents that say it, all in one commit: when they cannot be signed,
 * nothing happens. Signing is outside the turn, so no other write waits for a KMS, and after the decision, so a request that
 * is refused or was answered before costs no signature.
 */
import { MAX_SIGNING_ROUNDS } from '../constants.ts';
import type { Fields } from '../ports/document-store.ts';
import type { Ports } from '../ports/ports.ts';
import { type Administered, type AdminRequest, attemptsAt, type Change, takeTurn } from './administer.ts';
import { unavailable } from './retry.ts';
import { createSigning, MissingFromKms, type Signing } from './signing.ts';

/**
 * As `administer`. A decision that lacks signatures is asked again once there are; when somebody else's change means that they
 * say something else by then, they are made anew.
 * @throws CountersignError as `administer`; `signing_unavailable` when nothing was changed
 */
export async function administerSigned<Answer extends Fields>(
  ports: Ports,
  request: AdminRequest,
  decide: (now: number, signing: Signing) => Promise<Change<Answer>>,
): Promise<Administered<Answer>> {
  const signing = createSigning(ports.keys);
  const attempt = attemptsAt(ports, request, (now) => decide(now, signing));
  for (let round = 0; ; round += 1) {
    try {
      return await takeTurn(ports, attempt);
    } catch (error) {
      if (!(error instanceof MissingFromKms)) throw error;
      if (round === MAX_SIGNING_ROUNDS)
        throw unavailable('Others change this faster than it can be signed. Try again.', error);
      await error.fetch();
    }
  }
}
