/**
 * What a request has from a KMS so far. Its decision takes what it needs from here; what is missing it is told by an exception
 * that names all of it at once, and whoever asked for the decision fetches that and asks again.
 */
import type { IssuableFormat } from '../decide/issue.ts';
import type { Ports } from '../ports/ports.ts';
import type { DocumentRecord } from '../records/document.ts';
import { documentOf, RENDERINGS, type Terms } from './issue-document.ts';

/** A document that is to be signed. */
export interface DocumentToSign {
  readonly format: IssuableFormat;
  /** `issuedAt` is the earliest that will do. */
  readonly terms: Terms;
  /** What they come to: `Rendering.meaningOf`. */
  readonly meaning: string;
}

export interface Signing {
  /**
   * What was signed for an earlier attempt serves when it means the same and is late enough.
   * @throws MissingFromKms
   */
  document(wanted: DocumentToSign): DocumentRecord;
  /**
   * Each of them, in their order.
   * @throws MissingFromKms, of all that are missing
   */
  documents(wanted: readonly DocumentToSign[]): DocumentRecord[];
  /**
   * Whether a key signs, as it was when it was first asked for.
   * @throws MissingFromKms
   */
  isActive(kid: string): boolean;
}

/** Thrown by a decision, which has changed nothing then. */
export class MissingFromKms extends Error {
  readonly #calls: readonly (() => Promise<void>)[];

  constructor(calls: readonly (() => Promise<void>)[]) {
    super('the decision needs an answer of a KMS');
    this.name = 'MissingFromKms';
    this.#calls = calls;
  }

  /** @throws CountersignError `signing_unavailable` */
  async fetch(): Promise<void> {
    await Promise.all(this.#calls.map((call) => call()));
  }
}

interface Signed extends DocumentToSign {
  readonly kid: string;
  readonly text: string;
}

export function createSigning(keys: Ports['keys']): Signing {
  const signed: Signed[] = [];
  const active = new Map<string, boolean>();

  const sign = async (wanted: DocumentToSign) => {
    const { kid, text } = await RENDERINGS[wanted.format].sign(keys, wanted.terms);
    signed.push({ ...wanted, kid, text });
  };
  const find = async (kid: string) => {
    active.set(kid, (await keys.find(kid))?.state === 'active');
  };
  const signedFor = ({ format, meaning, terms }: DocumentToSign) =>
    signed.find(
      (one) => one.format === format && one.meaning === meaning && one.terms.issuedAt >= terms.issuedAt,
    );
  const document = (wanted: DocumentToSign) => {
    const found = signedFor(wanted);
    if (found === undefined) throw new MissingFromKms([() => sign(wanted)]);
    // Of the terms that are wanted: whose licence it is may have changed, where the text says nothing of that.
    return documentOf(wanted.format, { ...wanted.terms, issuedAt: found.terms.issuedAt }, found);
  };

  return {
    document,
    documents(wanted) {
      const missing = wanted.filter((one) => signedFor(one) === undefined);
      if (missing.length > 0) throw new MissingFromKms(missing.map((one) => () => sign(one)));
      return wanted.map(document);
    },
    isActive(kid) {
      const isActive = active.get(kid);
      if (isActive === undefined) throw new MissingFromKms([() => find(kid)]);
      return isActive;
    },
  };
}
