/** Sends the example request of an operation, as it stands in the description. */
import type { Instance } from '../serve-beside.ts';
import type { ApiDocument, Operation, Parameter } from './document.ts';

export interface Sent {
  readonly response: Response;
  readonly text: string;
}

/** What a test sends in place of the example. */
export interface Otherwise {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** By name, of the path or the query. */
  readonly parameters?: Readonly<Record<string, string>>;
}

type Send = (operationId: string, otherwise?: Otherwise) => Promise<Sent>;

/** Operators' calls carry `credentials`, unless told otherwise. */
export function senderOf(
  { operations }: ApiDocument,
  { baseUrl }: Pick<Instance, 'baseUrl'>,
  credentials: Readonly<Record<string, string>>,
): Send {
  return async (operationId, otherwise = {}) => {
    const operation = operations.find((one) => one.operationId === operationId);
    if (operation === undefined) throw new Error(`${operationId} is not described`);
    const { method, parameters, requestBody, security } = operation;
    const [[mediaType, content] = []] = Object.entries(requestBody?.content ?? {});
    const body = otherwise.body ?? (content && JSON.stringify(content.example));
    const headers = new Headers({
      ...(security.length > 0 && credentials),
      ...valuesOf(parameters, 'header'),
      ...(mediaType !== undefined && { 'content-type': mediaType }),
    });
    for (const [name, value] of Object.entries(otherwise.headers ?? {})) headers.set(name, value);
    const target = new URL(targetOf(operation, otherwise), baseUrl);
    const response = await fetch(target, { method, headers, ...(body !== undefined && { body }) });
    return { response, text: await response.text() };
  };
}

function targetOf({ path, parameters }: Operation, otherwise: Otherwise): string {
  const inPath = valuesOf(parameters, 'path', otherwise.parameters);
  const query = new URLSearchParams(valuesOf(parameters, 'query', otherwise.parameters));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(inPath[name] ?? ''));
  return `${filled}?${query}`;
}

function valuesOf(
  parameters: readonly Parameter[],
  place: Parameter['in'],
  otherwise: Otherwise['parameters'] = {},
): Record<string, string> {
  return Object.fromEntries(
    parameters.flatMap(({ in: where, name, example }) => {
      const value = otherwise[name] ?? example;
      return where === place && value !== undefined ? [[name, value]] : [];
    }),
  );
}
