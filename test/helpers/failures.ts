/** Says at the end of a run which tests failed and why, in few lines: the end is all that is seen of a long log. */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

/** Where scripts/test.sh finds the lines; its folder is made by that script. */
const REPORT = 'build/reports/failures';
const MAX_MESSAGE = 600;

export default class FailedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap(({ children }) => [...children.allTests()]);
    const lines = [
      ...tests.filter((test) => test.result().state === 'failed').map((test) => `failed: ${nameOf(test)}${reasons(test.result().errors)}`),
      ...modules.flatMap((module) => {
        const errors = [...module.errors(), ...module.children.allSuites()].flatMap((part) => ('message' in part ? [part] : part.errors()));
        return errors.length === 0 ? [] : [`failed outside its tests: ${module.relativeModuleId}${reasons(errors)}`];
      }),
      ...(unhandled.length === 0 ? [] : [`errors that no test caught:${reasons(unhandled)}`]),
    ];
    writeFileSync(REPORT, lines.map((line) => `${line}\n`).join(''));
  }
}

function nameOf({ module, fullName }: TestCase): string {
  return `${module.relativeModuleId}: ${fullName}`;
}

function reasons(errors: readonly SerializedError[] | undefined): string {
  return (errors ?? [])
    .map(({ message, stacks }) => {
      const place = stacks?.[0] === undefined ? '' : ` (${stacks[0].file.replace(`${process.cwd()}/`, '')}:${stacks[0].line})`;
      return `\n  ${message.slice(0, MAX_MESSAGE).replaceAll('\n', '\n  ')}${place}`;
    })
    .join('');
}
