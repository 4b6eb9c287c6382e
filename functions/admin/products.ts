/** The operator's table of products. */
import type { Settings } from '../../shared/usecases/settings.ts';
import { listProductsResponse } from '../../shared/wire/products.ts';
import { type Endpoint, get } from '../http/endpoint.ts';

export function productEndpoints({ products = [] }: Pick<Settings, 'products'>): Endpoint[] {
  return [
    get({
      operationId: 'listProducts',
      path: '/api/v1/products',
      summary: 'What is sold: products, tiers, and what each gives',
      description:
        'Empty where the operator has no table: then any product may be issued, and no tier gives anything.',
      tag: 'licenses',
      access: 'licenses:read',
      response: listProductsResponse,
      errors: [],
      handle: async () => ({ body: { products } }),
    }),
  ];
}
