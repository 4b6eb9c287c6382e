/** The API description and a page to read it on. The page's assets come from this service, none from elsewhere. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CountersignError } from '../../shared/errors.ts';
import { openApiResponse } from '../../shared/wire/about.ts';
import { type Endpoint, get } from './endpoint.ts';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Countersign API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, defaultModelsExpandDepth: 0 });\n`;

/** Swagger UI styles elements inline and draws its icons from data URLs; nothing else is let in. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

const ASSETS: Readonly<Record<string, { type: string; load: () => Promise<string> }>> = {
  'start.js': { type: 'text/javascript', load: async () => START },
  'swagger-ui.css': { type: 'text/css', load: () => fromPackage('swagger-ui.css') },
  'swagger-ui-bundle.js': { type: 'text/javascript', load: () => fromPackage('swagger-ui-bundle.js') },
};

/** `/openapi.json` and `/docs` for the given endpoints and themselves. */
export function docsEndpoints(described: readonly Endpoint[], version: string): Endpoint[] {
  const endpoints: Endpoint[] = [
    get({
      operationId: 'getOpenApi',
      path: '/openapi.json',
      summary: 'This API as OpenAPI 3.1',
      tag: 'service',
      access: 'public',
      response: openApiResponse,
      errors: [],
      handle: async () => {
        // Loaded here because a cold start that signs a licence has no use for it.
        const { openApiDocument } = await import('./openapi.ts');
        return { body: openApiDocument([...described, ...endpoints], version) };
      },
    }),
    get({
      operationId: 'getDocs',
      path: '/docs',
      summary: 'This API as a page',
      tag: 'service',
      access: 'public',
      mediaType: 'text/html; charset=utf-8',
      example: PAGE,
      answerHeaders: ['Content-Security-Policy'],
      errors: [],
      handle: async () => ({
        body: PAGE,
        headers: {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': CONTENT_SECURITY_POLICY,
        },
      }),
    }),
    get({
      operationId: 'getDocsAsset',
      path: '/docs/assets/{name}',
      summary: 'A script or style sheet of the page',
      tag: 'service',
      access: 'public',
      mediaType: 'text/javascript; charset=utf-8',
      example: START,
      alternatives: { 'text/css; charset=utf-8': '.swagger-ui { color: #3b4151 }' },
      errors: ['not_found'],
      handle: async ({ params }) => {
        const name = params.name ?? '';
        const asset = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
        if (asset === undefined) throw new CountersignError('not_found', 'This service has no such path.');
        const headers = {
          'content-type': `${asset.type}; charset=utf-8`,
          'cache-control': 'public, max-age=86400',
        };
        return { body: await asset.load(), headers };
      },
    }),
  ];
  return endpoints;
}

function fromPackage(file: string): Promise<string> {
  return readFile(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${file}`)), 'utf8');
}
