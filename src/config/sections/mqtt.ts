import { z } from 'zod';
import { idSchema } from '../../domain/prompt.js';
import { EXPECTED_BROKER_URL, parseBrokerUrl } from '../broker-url.js';
import { milliseconds, path, secretEnv, secretFile } from './common.js';

export const mqttSchema = z.strictObject({
  broker: z
    .enum(['external', 'embedded'])
    .default('external')
    .meta({ description: 'external: the one at url; embedded: a small one inside fastsamd, for a robot that is one box (MQTT 3.1.1).' }),
  embedded: z
    .strictObject({
      host: z.string().min(1).max(253).default('127.0.0.1').meta({
        description:
          'Address the embedded broker listens on; beyond loopback only with username and a password, which its clients then need.',
      }),
      port: z.number().int().min(1).max(65_535).default(1883).meta({ description: 'Its port.' }),
    })
    .prefault({}),
  url: z
    .string()
    .max(1024)
    .refine((url) => parseBrokerUrl(url) !== undefined, EXPECTED_BROKER_URL)
    .default('mqtt://127.0.0.1:1883')
    .meta({ description: 'The broker: mqtt://HOST[:PORT], mqtts:// (TLS), ws:// or wss://. No credentials here.' }),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, 'expected topic levels without wildcards')
    .max(128)
    .default('fastsam/v1')
    .meta({ description: 'Topic levels before the node: all topics are PREFIX/NODE/….' }),
  groups: z
    .array(idSchema)
    .max(16)
    .default([])
    .meta({ description: 'Groups of this node: requests to PREFIX/@GROUP/request/… concern all nodes of a group at once.' }),
  admin: z.boolean().default(false).meta({
    description:
      'Accept request/admin/… (pause, resume and restart cameras, reload the configuration, set the log level), recipe/set, recipe/activate and teach/….',
  }),
  protocol: z
    .union([z.literal(5), z.literal(4)])
    .default(5)
    .meta({ description: '5: MQTT 5; 4: MQTT 3.1.1.' }),
  clientId: z.string().min(1).max(128).optional().meta({ description: 'fastsamd-NODE when absent; must be unique on the broker.' }),
  username: z.string().min(1).max(256).optional().meta({ description: 'Log in to the broker under this name.' }),
  passwordFile: secretFile.optional(),
  passwordEnv: secretEnv.optional(),
  tls: z
    .strictObject({
      caFile: path
        .optional()
        .meta({ description: "PEM file of the authority that signed the broker's certificate; the system's when absent." }),
      certFile: path.optional().meta({ description: 'PEM file of a client certificate; needs keyFile.' }),
      keyFile: path.optional().meta({ description: 'PEM file of its private key.' }),
      serverName: z
        .string()
        .min(1)
        .max(253)
        .optional()
        .meta({ description: "Name asked for (SNI) and expected in the certificate; the URL's host when absent." }),
      insecure: z.boolean().default(false).meta({ description: 'Accept any certificate. For a bench only; raises an alert.' }),
    })
    .prefault({}),
  homeAssistant: z
    .strictObject({
      enabled: z.boolean().default(false).meta({ description: 'Announce this node to Home Assistant (MQTT device discovery).' }),
      prefix: z
        .string()
        .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, 'expected topic levels without wildcards')
        .max(128)
        .default('homeassistant')
        .meta({ description: 'Discovery prefix, as configured in Home Assistant.' }),
    })
    .prefault({}),
  keepaliveS: z
    .number()
    .int()
    .min(5)
    .max(3600)
    .default(30)
    .meta({ description: 'Seconds between signs of life when nothing else is sent.' }),
  connectTimeoutMs: milliseconds(10_000, 100).meta({ description: 'Give up one attempt to connect after this; another follows.' }),
  reconnect: z
    .strictObject({
      minMs: milliseconds(1000, 10).meta({
        description: 'Longest wait before the first retry; it doubles with each (exponential backoff, full jitter).',
      }),
      maxMs: milliseconds(60_000, 10).meta({ description: 'Longest wait before any retry.' }),
    })
    .prefault({}),
  maxPayloadBytes: z
    .number()
    .int()
    .min(1024)
    .max(268_435_455)
    .default(120_000)
    .meta({ description: 'Larger results step down rle → polygon → bbox and say degraded.' }),
  maxRequestBytes: z.number().int().min(256).max(1_048_576).default(65_536).meta({ description: 'Larger requests are refused unread.' }),
  responsePrefix: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'Topics under which MQTT 5 response topics of requesters are honoured; PREFIX/clients/ when absent.' }),
});
