#pragma once

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <memory>
#include <string>

#include "core/result.h"
#include "tensorrt/logger.h"

namespace fastsamd::tensorrt {

// libnvinfer and libnvonnxparser, loaded when they are first needed: a program that uses neither starts without them,
// and a library that is missing, damaged or of another version is an error of the call that needs it. Everything behind
// these functions is reached through virtual functions, so nothing of TensorRT is linked.
//
// Errors of all: kEngineUnavailable with what is missing and what to do.

/// Loads libnvinfer. Another call finds it loaded.
Status LoadLibrary();

/// "10.3.0": of the library that is loaded; empty before LoadLibrary has succeeded.
std::string LibraryVersion();

Result<std::unique_ptr<nvinfer1::IRuntime>> MakeRuntime(Logger& logger);
Result<std::unique_ptr<nvinfer1::IBuilder>> MakeBuilder(Logger& logger);
Result<std::unique_ptr<nvonnxparser::IParser>> MakeParser(nvinfer1::INetworkDefinition& network, Logger& logger);

}  // namespace fastsamd::tensorrt
