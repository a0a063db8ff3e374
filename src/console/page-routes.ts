/** What the console gives without a login: its page, and the authority of its certificate. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { compiledModule } from '../compiled.js';
import { readAuthority } from './certificate.js';

export async function pageRoutes(routes: FastifyInstance): Promise<void> {
  const root = fileURLToPath(compiledModule('../web', import.meta.url));
  if (!existsSync(root)) {
    routes.get('/', async (_request, reply) => reply.type('text/plain').send('the console was not built: run "make build"\n'));
    return;
  }
  await routes.register(fastifyStatic, {
    root,
    preCompressed: true,
    cacheControl: false,
    setHeaders: (response, path) => {
      // Names of assets hold a hash of their content.
      const lasts = path.includes('/assets/');
      response.setHeader('cache-control', lasts ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

export interface AuthorityDeps {
  readonly certFile: () => string | undefined;
  readonly node: () => string;
}

/** A device needs it before it can trust the login page. */
export function authorityRoute(routes: FastifyInstance, { certFile, node }: AuthorityDeps): void {
  routes.get('/ca.crt', async (_request, reply) => {
    const file = certFile();
    const authority = file === undefined ? undefined : await readAuthority(file);
    if (!authority) return reply.code(404).type('text/plain').send('no ca.crt here: "fastsamd console certificate" makes one\n');
    return reply
      .type('application/x-x509-ca-cert')
      .header('content-disposition', `inline; filename="${node()}-ca.crt"`)
      .header('cache-control', 'no-cache')
      .send(authority);
  });
}
