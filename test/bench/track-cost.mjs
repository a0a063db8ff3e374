/**
 * `make bench-track`, what tracking costs: the native bench (time of 300 objects, residual of the camera's motion in drawn scenes), and the
 * pipeline with and without tracking in turns, with each way to treat the camera's motion.
 */
import { spawnSync } from 'node:child_process';
import { keepGoal } from './goals.mjs';

const FRAMES = '480';
const LEAST_RATE = 0.97;

/** Standard output of a command that succeeds. */
function outputOf(command, args) {
  const { status, stdout, error } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `status ${status}`}`);
  return stdout;
}

const native = outputOf('build/bench/bench_track', []);
process.stdout.write(native);
for (const line of native.split('\n')) {
  const time = line.match(/^(.*?) {2,}.*p50 +([\d.]+) ms .*\(([\d.]+) x\) +goal ([\d.]+)/);
  if (time) {
    const [, what, p50, ratio, goal] = time;
    keepGoal(`6 ${what}: p50, p99 over it`, `${p50} ms, ${ratio}`, `${goal} ms, 2`, Number(p50) <= Number(goal) && Number(ratio) <= 2);
  }
  const residual = line.match(/^camera motion, (\w+) +residual mean +([\d.]+) px, farthest +([\d.]+) px/);
  if (residual) {
    const [, move, mean, farthest] = residual;
    keepGoal(`5 camera motion, ${move}: mean, farthest point`, `${mean}, ${farthest} px`, '1 px of 1080p', Number(farthest) <= 1);
  }
}
// The drawn belt fills the picture, which `auto` takes for a camera that moves; the floor under the shapes stands still.
for (const [mode, scene] of [
  ['fixed', 'conveyor'],
  ['moving', 'conveyor'],
  ['auto', 'shapes'],
]) {
  const args = ['bench', `test:${scene}?realtime=false`, '--model', 'models/demo.onnx', '--track', '--camera-motion', mode];
  const { track } = JSON.parse(outputOf(process.execPath, ['bin/fastsamd', ...args, '--frames', FRAMES, '--json']));
  process.stdout.write(
    `pipeline with tracking, test:${scene}, camera ${mode.padEnd(6)} ${track.rate.toFixed(3)} of the rate without (${track.ratePerRound.map((rate) => rate.toFixed(3)).join(', ')})\n`,
  );
  keepGoal(
    `6 pipeline with tracking over without, test:${scene}, camera ${mode}`,
    track.rate.toFixed(3),
    String(LEAST_RATE),
    track.rate >= LEAST_RATE,
  );
}
