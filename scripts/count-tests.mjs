// count-tests.mjs junit|vitest REPORT [REPAIRED]: prints "PASSED FAILED SKIPPED" of a test report; of the files that ran again,
// the report REPAIRED counts.
// count-tests.mjs failed-files REPORT: prints the files of a vitest report that have failed, a line each.
import { readFileSync } from 'node:fs';

const [kind, ...files] = process.argv.slice(2);

/** CTest writes one <testcase status="run|fail|notrun|disabled"> per test. */
function countJunit(file) {
  const statuses = [...readFileSync(file, 'utf8').matchAll(/<testcase\b[^>]*\bstatus="(\w+)"/g)].map(([, status]) => status);
  const of = (...names) => statuses.filter((status) => names.includes(status)).length;
  return [of('run'), of('fail'), of('notrun', 'disabled')];
}

/** Results of each test file; a later report replaces an earlier one's. */
function vitestFiles(reports) {
  return [
    ...new Map(
      reports.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')).testResults).map((result) => [result.name, result]),
    ).values(),
  ];
}

function countVitest(results) {
  const tests = results.flatMap(({ assertionResults }) => assertionResults);
  const of = (...names) => tests.filter(({ status }) => names.includes(status)).length;
  // A file that does not even load has no tests to count.
  const broken = results.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  return [of('passed'), of('failed') + broken.length, of('pending', 'skipped', 'disabled', 'todo')];
}

const lines = {
  junit: () => [countJunit(files[0]).join(' ')],
  vitest: () => [countVitest(vitestFiles(files)).join(' ')],
  'failed-files': () => vitestFiles(files).flatMap(({ name, status }) => (status === 'failed' ? [name] : [])),
};
process.stdout.write(
  lines[kind]()
    .map((line) => `${line}\n`)
    .join(''),
);
