/** Options of the commands that talk to nodes through a broker. */

export const brokerOptions = {
  broker: {
    type: 'string',
    requiresArg: true,
    describe: 'mqtt://HOST[:PORT], mqtts://, ws:// or wss://; FASTSAMD_BROKER, or mqtt://127.0.0.1:1883.',
  },
  config: {
    type: 'string',
    requiresArg: true,
    describe: 'Configuration file of a node: broker, login, certificates and prefix are those in its mqtt section.',
  },
  username: { type: 'string', requiresArg: true, describe: 'Log in to the broker under this name; or FASTSAMD_USERNAME.' },
  'password-file': { type: 'string', requiresArg: true, describe: 'File whose first line is the password; or FASTSAMD_MQTT_PASSWORD.' },
  ca: { type: 'string', requiresArg: true, describe: "PEM file of the authority that signed the broker's certificate." },
  cert: { type: 'string', requiresArg: true, describe: 'PEM file of a client certificate; needs --key.' },
  key: { type: 'string', requiresArg: true, describe: 'PEM file of its private key.' },
  prefix: { type: 'string', requiresArg: true, describe: 'Topic levels before the node; FASTSAMD_PREFIX, or fastsam/v1.' },
  protocol: { choices: [5, 4] as const, describe: '5: MQTT 5; 4: MQTT 3.1.1; the better one that the broker speaks by default.' },
} as const;

/** As given on the command line. */
export interface BrokerOptions {
  readonly broker?: string | undefined;
  readonly config?: string | undefined;
  readonly username?: string | undefined;
  readonly 'password-file'?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly prefix?: string | undefined;
  readonly protocol?: 4 | 5 | undefined;
}

/** With what the environment, a configuration file and the defaults add. */
export interface BrokerArguments {
  readonly broker: string;
  readonly passwordEnv?: string | undefined;
  readonly username?: string | undefined;
  readonly 'password-file'?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly prefix: string;
  readonly protocol?: 4 | 5 | undefined;
}
