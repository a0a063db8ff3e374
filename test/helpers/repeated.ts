/** Names the tests that passed at their second attempt only: each is a race to be found, of the test or of what it tests. */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export default class RepeatedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const repeated = modules.flatMap(({ children }) => [...children.allTests()]).filter((test) => test.diagnostic()?.flaky);
    for (const test of repeated) process.stdout.write(`passed at the second attempt only: ${nameOf(test)}\n`);
  }
}

function nameOf({ module, fullName }: TestCase): string {
  return `${module.relativeModuleId}: ${fullName}`;
}
