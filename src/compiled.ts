/**
 * Where the compiled form of a module is. Worker threads and child processes are started from a file, which must be
 * JavaScript: tests run the sources, so there a module next to a source is looked up in `dist`.
 */

/** The file to start for the module `name` ("./onnx-worker.js") beside `importer` (an `import.meta.url`). */
export function compiledModule(name: string, importer: string): URL {
  const url = new URL(name, importer);
  if (importer.endsWith('.ts')) url.pathname = url.pathname.replace(/\/src\/(?!.*\/src\/)/, '/dist/');
  return url;
}
