/**
 * Whether the MAC of a `CAIO-v1` licence is genuine. Each question to the KMS costs money and the text of a licence never
 * changes, so an instance remembers the answers; a text that is sent again costs nothing.
 */
import { REMEMBERED_MACS } from '../constants.ts';
import type { DecodedMacLicense } from '../formats/issued.ts';
import type { MacVerifier } from '../ports/mac-verifier.ts';
import type { Ports } from '../ports/ports.ts';

/** By key: a new list of keys has new verifiers, and what was said of the old ones is forgotten with them. */
const verdicts = new WeakMap<MacVerifier, Map<string, boolean>>();

/**
 * One key that says so is enough, whatever becomes of the others; only all of them together can say no.
 * @throws CountersignError `signing_unavailable`; that is not remembered
 */
export async function isMacGenuine(
  { hasher }: Pick<Ports, 'hasher'>,
  verifiers: readonly MacVerifier[],
  text: string,
  decoded: DecodedMacLicense,
): Promise<boolean> {
  const hash = hasher.hash('document', text);
  try {
    await Promise.any(verifiers.map((verifier) => requireGenuine(verifier, hash, decoded)));
    return true;
  } catch (error) {
    const reasons: unknown[] = (error as AggregateError).errors;
    const failure = reasons.find((reason) => !(reason instanceof NotGenuine));
    if (failure !== undefined) throw failure;
    return false;
  }
}

/** The key has not made this MAC. */
class NotGenuine extends Error {}

async function requireGenuine(...question: Parameters<typeof verdictOf>): Promise<void> {
  if (!(await verdictOf(...question))) throw new NotGenuine();
}

async function verdictOf(
  verifier: MacVerifier,
  hash: string,
  { message, mac }: DecodedMacLicense,
): Promise<boolean> {
  const known = verdicts.get(verifier) ?? new Map<string, boolean>();
  verdicts.set(verifier, known);
  const before = known.get(hash);
  if (before !== undefined) return before;
  const verdict = await verifier.verify(message, mac);
  known.set(hash, verdict);
  const [oldest] = known.size > REMEMBERED_MACS ? known.keys() : [];
  if (oldest !== undefined) known.delete(oldest);
  return verdict;
}
