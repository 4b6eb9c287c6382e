/** A request of one endpoint, made ready in a service: one that succeeds, and for each refusal one that meets it. */
import type { ErrorCode } from '../../../shared/errors.ts';
import type { Ready } from './ready.ts';
import type { Stage } from './stage.ts';

export interface Shot {
  /** Where, when another instance than the sound one can say it. */
  readonly at?: keyof Stage['instances'];
  /** What stands in the path. */
  readonly ids?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is when it is a text. */
  readonly body?: object | string;
}

/** Prepares what the request needs; everything else is as in a service that works. */
export type Prepare = (ready: Ready) => Promise<Shot>;

export interface Case {
  readonly good: Prepare;
  /** Those that this endpoint alone can say the reason of. What all have in common is in `every-row.ts`. */
  readonly refusals: Readonly<Partial<Record<ErrorCode, Prepare>>>;
}

export type Cases = Readonly<Record<string, Case>>;
