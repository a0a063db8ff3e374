import { z } from 'zod';
import { path, secretEnv, secretFile } from './common.js';

export const metricsSchema = z.strictObject({
  enabled: z.boolean().default(false).meta({ description: 'Serve /metrics (Prometheus), /healthz and /readyz over HTTP.' }),
  host: z
    .string()
    .min(1)
    .max(255)
    .default('127.0.0.1')
    .meta({ description: 'Address to listen on; one that others can reach needs a token or client certificates.' }),
  port: z.number().int().min(0).max(65_535).default(9464).meta({ description: '0: any free one, named in the log.' }),
  tokenFile: secretFile.optional(),
  tokenEnv: secretEnv.optional(),
  tls: z
    .strictObject({
      certFile: path.optional().meta({ description: "PEM file of the server's certificate; needs keyFile. HTTPS instead of HTTP." }),
      keyFile: path.optional().meta({ description: 'PEM file of its private key.' }),
      clientCaFile: path.optional().meta({ description: 'PEM file of the authority whose client certificates are asked for.' }),
    })
    .prefault({}),
});
