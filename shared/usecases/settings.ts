import type { ProductTable } from '../wire/products.ts';

/** What an operator decides for all licences of a deployment. */
export interface Settings {
  /** `iss` of every document. */
  readonly issuer: string;
  /** Margin after the end of a lease before its seat may go to another machine. */
  readonly clockSkewSeconds: number;
  /**
   * What an acquire is answered when no signer signs: `reject` with `signing_unavailable`, or an `unsigned` inline
   * document. Absent is `reject`.
   */
  readonly signingFailurePolicy?: 'reject' | 'unsigned';
  /** What is sold. Without it any product may be issued, and no tier gives anything. */
  readonly products?: ProductTable;
}
