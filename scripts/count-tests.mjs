// count-tests.mjs junit|vitest REPORT: prints "PASSED FAILED SKIPPED" of a test report.
import { readFileSync } from 'node:fs';

const [kind, file] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');

/** CTest writes one <testcase status="run|fail|notrun|disabled"> per test. */
function countJunit() {
  const statuses = [...text.matchAll(/<testcase\b[^>]*\bstatus="(\w+)"/g)].map(([, status]) => status);
  const of = (...names) => statuses.filter((status) => names.includes(status)).length;
  return [of('run'), of('fail'), of('notrun', 'disabled')];
}

function countVitest() {
  const { testResults, numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(text);
  // A file that does not even load has no tests to count.
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  return [numPassedTests, numFailedTests + broken.length, numPendingTests + numTodoTests];
}

process.stdout.write(`${(kind === 'junit' ? countJunit() : countVitest()).join(' ')}\n`);
