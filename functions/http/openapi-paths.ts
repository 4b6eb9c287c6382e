/** What stands in braces in a path, by the path up to there. */
import * as example from '../../shared/wire/examples/values.ts';

interface PathParameter {
  readonly description: string;
  readonly schema: object;
  readonly example: string;
}

const PATH_PARAMETERS: Readonly<Record<string, PathParameter>> = {
  '/api/v1/licenses/{id}': {
    description: 'The `id` of the licence.',
    schema: { type: 'string', pattern: '^[\\w-]{1,64}$' },
    example: example.LICENSE_ID,
  },
  '/api/v1/licenses/{id}/activations/{instance}': {
    description: 'The `instance` that the list of activations says.',
    schema: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    example: example.INSTANCE,
  },
  '/api/v1/customers/{id}': {
    description: 'The `id` of the customer.',
    schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,50}$' },
    example: example.CUSTOMER_ID,
  },
  '/api/v1/admin/api-keys/{prefix}': {
    description: 'The beginning of the key, as the list of keys says it.',
    schema: { type: 'string', pattern: '^cs[a-z]{1,8}_[A-Za-z0-9_-]{8}$' },
    example: example.API_KEY_PREFIX,
  },
  '/api/v1/keys/{kid}': {
    description: 'The `kid` of the key; that of a key of ours is its RFC 7638 thumbprint.',
    schema: { type: 'string', pattern: '^[^/]+$' },
    example: example.KID,
  },
  '/docs/assets/{name}': {
    description: 'The name of the file.',
    schema: { type: 'string', enum: ['start.js', 'swagger-ui.css', 'swagger-ui-bundle.js'] },
    example: 'start.js',
  },
};

export function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(({ 0: braces, 1: name, index }) => ({
    name,
    in: 'path',
    required: true,
    ...(PATH_PARAMETERS[path.slice(0, index) + braces] ?? { schema: { type: 'string' } }),
  }));
}
