import type { MqttConfig } from './schema.js';

/** The configuration as clients on this machine need it: the embedded broker in place of `url`, where it is chosen. */
export function reachable(config: MqttConfig): MqttConfig {
  if (config.broker === 'external') return config;
  const { host, port } = config.embedded;
  const own = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return { ...config, url: `mqtt://${own}:${port}`, protocol: 4 };
}
