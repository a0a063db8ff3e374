/** Options of the commands that talk to nodes through a broker. */

export const brokerOptions = {
  broker: {
    type: 'string',
    requiresArg: true,
    default: 'mqtt://127.0.0.1:1883',
    describe: 'mqtt://HOST[:PORT], mqtts://, ws:// or wss://.',
  },
  username: { type: 'string', requiresArg: true, describe: 'Log in to the broker under this name.' },
  'password-file': { type: 'string', requiresArg: true, describe: 'File whose first line is the password; or FASTSAMD_MQTT_PASSWORD.' },
  ca: { type: 'string', requiresArg: true, describe: "PEM file of the authority that signed the broker's certificate." },
  cert: { type: 'string', requiresArg: true, describe: 'PEM file of a client certificate; needs --key.' },
  key: { type: 'string', requiresArg: true, describe: 'PEM file of its private key.' },
  prefix: { type: 'string', requiresArg: true, default: 'fastsam/v1', describe: 'Topic levels before the node.' },
  protocol: { choices: [5, 4] as const, describe: '5: MQTT 5; 4: MQTT 3.1.1; the better one that the broker speaks by default.' },
} as const;

export interface BrokerArguments {
  readonly broker: string;
  readonly username?: string | undefined;
  readonly 'password-file'?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly prefix: string;
  readonly protocol?: 4 | 5 | undefined;
}
