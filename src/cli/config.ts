/** `fastsamd config check | schema | show`. */
import path from 'node:path';
import { stringify } from 'yaml';
import { configJsonSchema } from '../config/json-schema.js';
import { loadConfig, loadLocatedConfig } from '../config/load.js';
import { redactConfig } from '../config/redact.js';
import { checkFiles } from '../doctor/files.js';
import { say } from './terminal.js';

export interface FileArguments {
  readonly file: string;
}

export async function checkConfig({ file }: FileArguments): Promise<void> {
  const { config, invalid } = await loadLocatedConfig(file);
  const problems = await checkFiles(config);
  if (problems.length > 0) throw invalid(problems);
  const { cameras, model } = config;
  const count = cameras.length === 1 ? '1 camera' : `${cameras.length} cameras`;
  say(`${file}: ok (${count}, model ${path.basename(model.path)})`);
}

export function printSchema(): void {
  process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}

export async function showConfig({ file }: FileArguments): Promise<void> {
  process.stdout.write(stringify(redactConfig(await loadConfig(file)), { lineWidth: 0 }));
}
