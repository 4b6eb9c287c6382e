/**
 * One request that must be refused, as plain data: what is sent, how, and which answers are right.
 *
 * ```ts
 * const shot: Shot = { ...RAW, path: pathOf('acquire'), headers: JSON_HEADERS, body: json({}) };
 * ```
 */

/** Planted in bodies, headers and paths; no answer and no log line may hold it. */
export const MARKER = 'zqMARKERqz';

export const POST_PATHS = ['acquire', 'borrow', 'heartbeat', 'release', 'validate'] as const;
export type Name = (typeof POST_PATHS)[number];
export const pathOf = (name: Name) => `/api/v1/licenses/${name}`;

/** How a request must be answered. `verdict` is a refusal or `{"valid":false}`. */
export type Right = 'refusal' | 'verdict' | 'options' | 'page';

/** All text is latin1: one character a byte, so that a counterexample prints as it was sent. */
export interface Shot {
  readonly via: 'fetch' | 'agent' | 'raw';
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: string;
  /** Spaces are appended until the body has this many bytes. */
  readonly padTo?: number;
  readonly chunked?: boolean;
  /** Sent instead of everything above. */
  readonly bytes?: string;
  /** The sending side is closed a while after the last byte, as nothing else would end the request. */
  readonly halfClose?: boolean;
  readonly right: Right;
  /** Why the connection may also be closed without an answer. */
  readonly quiet?: Quiet;
  readonly codes?: readonly string[];
}

/** What never was an HTTP request, or one that Node never hands to a program. The list is to stay short. */
export type Quiet = 'nothing but line ends' | 'CONNECT';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** A POST that is written on a socket as it is. */
export const RAW: Shot = { via: 'raw', method: 'POST', path: '/', headers: [], right: 'refusal' };
export const JSON_HEADERS = [['content-type', 'application/json']] as const;

/** What a shot must be refused with. `validate` has no part in it: the fault is found before any verdict. */
export const certain = (...codes: string[]): Partial<Shot> => ({ right: 'refusal', codes });

/** The right answer to a body that names what does not exist or does not fit. */
export const rightFor = (name: Name): Right => (name === 'validate' ? 'verdict' : 'refusal');

/** The first lines of a POST of JSON; the blank line that ends a head is still to come. */
export const headOf = (name: Name): string =>
  `POST ${pathOf(name)} HTTP/1.1\r\nhost: a.test\r\ncontent-type: application/json\r\n`;

/** A text as the latin1 of its UTF-8. */
export const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
export const json = (value: unknown) => utf8(JSON.stringify(value));

/** The text with one bit changed; `at` may lie beyond its end. */
export function flip(text: string, at: number, bit: number): string {
  const index = at % text.length;
  return (
    text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ (1 << bit)) + text.slice(index + 1)
  );
}

/** The bytes of the body, padded as the shot says. */
export function bodyOf({ body, padTo = 0 }: Shot): Buffer | undefined {
  return body === undefined ? undefined : Buffer.from(body.padEnd(padTo), 'latin1');
}
