/** Stand-ins for what a Jetson has: NVIDIA's GStreamer elements and libnvbufsurface (native/standin). */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const NATIVE = fileURLToPath(new URL('../../native/', import.meta.url));
const GSTREAMER = ['gstreamer-1.0', 'gstreamer-base-1.0', 'gstreamer-video-1.0'];

/** Compiles `libgstnvstandin.so`, for GST_PLUGIN_PATH, and `libnvmm.so` into a folder. Needs g++. */
export async function compileJetsonStandins(folder: string): Promise<void> {
  const run = promisify(execFile);
  const { stdout } = await run('pkg-config', ['--cflags', '--libs', ...GSTREAMER]);
  const compile = (library: string, sources: readonly string[], libraries: readonly string[] = []) =>
    run('g++', [
      ...['-std=c++17', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', `-I${NATIVE}`, '-o', join(folder, library)],
      ...sources.map((source) => join(NATIVE, 'standin', source)),
      ...libraries,
    ]);
  await compile('libgstnvstandin.so', ['gst_nvidia.cc', 'gst_nvvidconv.cc'], [...stdout.trim().split(/\s+/), '-ldl']);
  await compile('libnvmm.so', ['nvmm.cc']);
}
