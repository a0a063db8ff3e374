// Writes, for some of the abstract classes in TensorRT's headers, a class that overrides every pure virtual function with
// one that ends the process: stand-ins derive from it and override what they mean to answer. The lists of functions
// differ between versions, and so come from the headers that are there.
//   node generate-stubs.mjs INCLUDE_DIR [PARSER_INCLUDE_DIR] > stubs.h
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , include, parserInclude] = process.argv;

/** The text between the braces of `class name`, without comments. */
function bodyOf(header, name) {
  const text = header.replace(/\/\/.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '');
  const begin = new RegExp(`class ${name}\\b[^;{]*\\{`).exec(text);
  if (!begin) throw new Error(`${include}: no class ${name}`);
  let depth = 1;
  let at = begin.index + begin[0].length;
  const start = at;
  for (; depth > 0; at += 1) depth += { '{': 1, '}': -1 }[text[at]] ?? 0;
  return text.slice(start, at - 1);
}

function stub(header, name, namespace) {
  const functions = [...bodyOf(header, name).matchAll(/(?:[A-Z_]+\s+)?virtual\s+((?:(?!virtual)[^;{}])*?)\s*=\s*0\s*;/g)].map(([, text]) =>
    text.replace(/\s+/g, ' '),
  );
  if (functions.length === 0) throw new Error(`${include}: nothing to stub in ${name}`);
  const overrides = functions.map((text) => `  ${text} override { Unexpected("${name}", ${JSON.stringify(text)}); }`);
  return [`class ${name}Stub : public ${namespace}${name} {`, ' public:', ...overrides, '};', ''].join('\n');
}

const impl = readFileSync(join(include, 'NvInferImpl.h'), 'utf8');
const parserPath = [include, parserInclude].map((folder) => join(folder ?? '', 'NvOnnxParser.h')).find((path) => existsSync(path));
const parser = readFileSync(parserPath, 'utf8');
const CLASSES = [
  'VHostMemory',
  'VRuntime',
  'VCudaEngine',
  'VExecutionContext',
  'VTensor',
  'VLayer',
  'VNetworkDefinition',
  'VBuilderConfig',
  'VBuilder',
  'VTimingCache',
];

process.stdout.write(`#pragma once
#include <NvInfer.h>
#include <NvOnnxParser.h>
#include <cstdio>
#include <cstdlib>
namespace fastsamd::standin {
using namespace nvinfer1;
[[noreturn]] inline void Unexpected(const char* name, const char* function) noexcept {
  std::fprintf(stderr, "stand-in: %s of %s is not there\\n", function, name);
  std::abort();
}
${CLASSES.map((name) => stub(impl, name, 'nvinfer1::apiv::')).join('\n')}
namespace parser {
using namespace nvonnxparser;
using nvonnxparser::ErrorCode;
${stub(parser, 'IParser', 'nvonnxparser::')}
${stub(parser, 'IParserError', 'nvonnxparser::')}
}
}
`);
