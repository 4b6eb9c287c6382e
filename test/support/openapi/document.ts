/** The API description as a reader has it: operations with their references followed, and schemas that check answers. */
import { z } from 'zod';

type Json = null | boolean | number | string | Json[] | { readonly [member: string]: Json };

/** As much of a JSON schema as tests look into. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: object;
  readonly example?: string;
}

interface Content {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: Readonly<Record<string, unknown>> }>>;
}

export interface Described {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description?: string }>>;
  readonly content: Readonly<Record<string, Content>>;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly method: string;
  readonly path: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, Described>>;
}

export interface ApiDocument {
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly servers: readonly object[];
  readonly operations: readonly Operation[];
  readonly schemas: Readonly<Record<string, Schema>>;
}

export async function readApiDocument(baseUrl: string): Promise<ApiDocument> {
  const response = await fetch(new URL('/openapi.json', baseUrl));
  return apiDocumentOf((await response.json()) as object);
}

export function apiDocumentOf(json: object): ApiDocument {
  const { tags, servers, paths, components } = json as ApiDocument & {
    readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
    readonly components: { readonly schemas: ApiDocument['schemas'] };
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const followed = follow(operation as unknown as Json, json as unknown as Json) as object;
      return { parameters: [], ...followed, method: method.toUpperCase(), path } as unknown as Operation;
    }),
  );
  return { tags, servers, operations, schemas: components.schemas };
}

/** With every reference but those to schemas replaced by what it leads to. */
function follow(value: Json, root: Json): Json {
  if (Array.isArray(value)) return value.map((item) => follow(item, root));
  if (typeof value !== 'object' || value === null) return value;
  const { $ref: reference } = value;
  if (typeof reference === 'string' && !reference.startsWith(SCHEMAS))
    return follow(at(root, reference), root);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, follow(member, root)]));
}

const SCHEMAS = '#/components/schemas/';

function at(root: Json, reference: string): Json {
  const found = reference
    .split('/')
    .slice(1)
    .reduce<Json | undefined>((value, name) => (value as Record<string, Json> | undefined)?.[name], root);
  if (found === undefined) throw new Error(`${reference} leads nowhere`);
  return found;
}

/** What is wrong with `value` by a schema of the document, a line each. Members that the schema does not name are. */
export function problemsOf({ schemas }: ApiDocument, schema: object, value: unknown): string[] {
  const text = JSON.stringify({ ...schema, $defs: schemas }).replaceAll(SCHEMAS, '#/$defs/');
  const result = z.fromJSONSchema(JSON.parse(text)).safeParse(value);
  return result.success ? [] : result.error.issues.map(lineOf);
}

function lineOf(issue: z.core.$ZodIssue): string {
  const where = `/${issue.path.map(String).join('/')}`;
  if (issue.code !== 'invalid_union') return `${where}: ${issue.message}`;
  const reasons = issue.errors.map((branch) => branch.map(lineOf).join(', ')).join(' | ');
  return `${where}: ${issue.message} (${reasons})`;
}

/**
 * Where an answer has other members than the example, a line each. Values may differ; each item of a list has to be like
 * one of the example.
 */
export function differencesOf(example: unknown, answer: unknown, where = ''): string[] {
  if (Array.isArray(example) && Array.isArray(answer)) {
    if (!isContainer(example[0])) return [];
    if (answer.length === 0) return [`${where || '/'} is empty: prepare something that it lists`];
    return answer.flatMap((item, place) => {
      const each = example.map((kind) => differencesOf(kind, item, `${where}/${place}`));
      return each.sort((a, b) => a.length - b.length)[0] ?? [];
    });
  }
  if (!isContainer(example) && !isContainer(answer)) return [];
  if (!isContainer(example) || !isContainer(answer) || Array.isArray(example) !== Array.isArray(answer))
    return [`${where || '/'} is ${kindOf(answer)}, and ${kindOf(example)} in the example`];
  const names = new Set([...Object.keys(example), ...Object.keys(answer)]);
  return [...names].flatMap((name) => {
    if (!Object.hasOwn(example, name)) return [`${where}/${name} is not in the example`];
    if (!Object.hasOwn(answer, name)) return [`${where}/${name} is in the example only`];
    return differencesOf(example[name], answer[name], `${where}/${name}`);
  });
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : isContainer(value) ? 'an object' : JSON.stringify(value);
}
