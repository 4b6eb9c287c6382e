/**
 * The recursive-descent reader behind `parseStrictJson`: one pass over the text, one method for each rule of
 * the grammar (RFC 8259 §2 to §7).
 *
 * A reader of our own, because `JSON.parse` answers when the evidence is gone: duplicate keys are merged
 * and numbers rounded. It recurses only as deep as `maxDepth`, checked before each descent.
 */

import { CountersignError, type ErrorCode } from '../errors.ts';
import type { JsonValue } from './strict-json.ts';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** RFC 8259 §6. Sticky: matches at `lastIndex` or not at all. */
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** What only Python and JavaScript together would print differently; see `StrictJsonOptions.integersOnly`. */
const NOT_AN_INTEGER = /[.eE]|^-0$/;

export class JsonReader {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #integersOnly: boolean;
  #position = 0;

  constructor(text: string, maxDepth: number, integersOnly: boolean) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#integersOnly = integersOnly;
  }

  /** Reads the whole text as one value. Errors: see `parseStrictJson`. */
  read(): JsonValue {
    this.#skipWhitespace();
    const value = this.#readValue(0);
    this.#skipWhitespace();
    if (this.#position < this.#text.length) this.#failSyntax('Unexpected text after the value');
    return value;
  }

  #readValue(depth: number): JsonValue {
    switch (this.#text.charCodeAt(this.#position)) {
      case QUOTE:
        return this.#readString();
      case OPEN_BRACE:
        return this.#readObject(depth + 1);
      case OPEN_BRACKET:
        return this.#readArray(depth + 1);
      default:
        return this.#readScalar();
    }
  }

  #readObject(depth: number): JsonValue {
    this.#enter(depth);
    const object: { [key: string]: JsonValue } = {};
    if (this.#skip(CLOSE_BRACE)) return object;
    do {
      const start = this.#position;
      const key = this.#readKey();
      if (Object.hasOwn(object, key))
        this.#fail('json_duplicate_key', 'The JSON object repeats the key', start);
      define(object, key, this.#readValue(depth));
      this.#skipWhitespace();
    } while (this.#skip(COMMA));
    if (!this.#skip(CLOSE_BRACE)) this.#failSyntax('Expected a comma or the end of the object');
    return object;
  }

  #readKey(): string {
    if (this.#text.charCodeAt(this.#position) !== QUOTE) this.#failSyntax('Expected a key in double quotes');
    const key = this.#readString();
    this.#skipWhitespace();
    if (!this.#skip(COLON)) this.#failSyntax('Expected a colon');
    return key;
  }

  #readArray(depth: number): JsonValue {
    this.#enter(depth);
    const array: JsonValue[] = [];
    if (this.#skip(CLOSE_BRACKET)) return array;
    do {
      array.push(this.#readValue(depth));
      this.#skipWhitespace();
    } while (this.#skip(COMMA));
    if (!this.#skip(CLOSE_BRACKET)) this.#failSyntax('Expected a comma or the end of the array');
    return array;
  }

  #enter(depth: number): void {
    if (depth > this.#maxDepth) {
      this.#fail('json_too_deep', `The JSON nests deeper than ${this.#maxDepth} levels`);
    }
    this.#position += 1;
    this.#skipWhitespace();
  }

  /** Skips one punctuation mark and the white space behind it, if the mark is there. */
  #skip(mark: number): boolean {
    if (this.#text.charCodeAt(this.#position) !== mark) return false;
    this.#position += 1;
    // Blanks after a final bracket are legal too, so one rule serves every mark.
    this.#skipWhitespace();
    return true;
  }

  #skipWhitespace(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#position);
      if (code !== SPACE && code !== LINE_FEED && code !== CARRIAGE_RETURN && code !== TAB) return;
      this.#position += 1;
    }
  }

  #readString(): string {
    const text = this.#text;
    const start = this.#position;
    let position = start + 1;
    let escaped = false;
    for (;;) {
      const code = text.charCodeAt(position);
      if (code === QUOTE) break;
      // NaN is the end of the text; a control character must be escaped (RFC 8259 §7).
      if (!(code >= SPACE))
        this.#failSyntax('The string is not closed or holds a control character', position);
      if (code === BACKSLASH) escaped = true;
      position += code === BACKSLASH ? 2 : 1;
    }
    this.#position = position + 1;
    return this.#checkString(start, escaped);
  }

  /** The value of the string between `start` and the position, both quotes included. */
  #checkString(start: number, escaped: boolean): string {
    const raw = this.#text.slice(start + 1, this.#position - 1);
    const value = escaped ? this.#unescape(start) : raw;
    // Both, because half a pair escaped and half of it raw is well formed only once it is unescaped.
    if (!value.isWellFormed() || (escaped && !raw.isWellFormed())) {
      this.#fail('json_lone_surrogate', 'Half a surrogate pair stands alone in the string', start);
    }
    return value;
  }

  #unescape(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#position)) as string;
    } catch {
      // Not kept as the cause: the engine's message quotes the text, which may be a secret.
      return this.#failSyntax('Unknown escape sequence in the string', start);
    }
  }

  #readScalar(): JsonValue {
    switch (this.#text.charCodeAt(this.#position)) {
      case LETTER_T:
        return this.#readWord('true', true);
      case LETTER_F:
        return this.#readWord('false', false);
      case LETTER_N:
        return this.#readWord('null', null);
      default:
        return this.#readNumber();
    }
  }

  #readWord(word: string, value: JsonValue): JsonValue {
    if (!this.#text.startsWith(word, this.#position)) this.#failSyntax('Expected a JSON value');
    this.#position += word.length;
    return value;
  }

  #readNumber(): number {
    const start = this.#position;
    NUMBER.lastIndex = start;
    if (!NUMBER.test(this.#text)) this.#failSyntax('Expected a JSON value');
    this.#position = NUMBER.lastIndex;
    const lexeme = this.#text.slice(start, this.#position);
    const value = Number(lexeme);
    this.#checkNumber(lexeme, value, start);
    // Adding 0 turns -0 into 0 and leaves every other number alone.
    return value + 0;
  }

  #checkNumber(lexeme: string, value: number, start: number): void {
    if (!Number.isFinite(value)) {
      this.#fail('json_non_finite_number', 'The number is too large for a double', start);
    }
    // Every double beyond 2^53 is an integer, so the magnitude alone decides.
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      this.#fail('json_unsafe_integer', 'The number is beyond 2^53-1 and would lose digits', start);
    }
    if (this.#integersOnly && NOT_AN_INTEGER.test(lexeme)) {
      this.#failSyntax('Only plain integers are allowed here', start);
    }
  }

  #failSyntax(problem: string, position?: number): never {
    return this.#fail('invalid_json', problem, position);
  }

  #fail(code: ErrorCode, problem: string, position = this.#position): never {
    const offset = Math.min(position, this.#text.length);
    throw new CountersignError(code, `${problem}, at character ${offset} of the JSON.`);
  }
}

/** Assignment to `__proto__` would set the prototype instead of adding a member. */
function define(object: { [key: string]: JsonValue }, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}
