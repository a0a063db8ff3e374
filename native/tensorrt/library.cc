#include "tensorrt/library.h"

#include <NvInferVersion.h>
#include <dlfcn.h>

#include <mutex>

#include "tensorrt/shared_object.h"

namespace fastsamd::tensorrt {
namespace {

constexpr int kBuiltMajor = NV_TENSORRT_MAJOR;
constexpr int kBuiltMinor = NV_TENSORRT_MINOR;
/// Major versions that are looked for to say which one is there instead.
constexpr int kOldestMajor = 7;
constexpr int kNewestMajor = 14;

struct Version {
  int major;
  int minor;
  int patch;
};

/// What getInferLibVersion says: 8502 is 8.5.2, 100300 is 10.3.0.
Version VersionOf(int number) {
  if (number >= 10'000) return {number / 10'000, number / 100 % 100, number % 100};
  return {number / 1000, number / 100 % 10, number % 100};
}

std::string TextOf(const Version& v) {
  return std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.patch);
}

std::string FileOf(const char* library, int major) { return std::string(library) + ".so." + std::to_string(major); }

Error Unavailable(const std::string& why, const std::string& advice) {
  return {ErrorCode::kEngineUnavailable, why + "; " + advice + ", or use backend onnxruntime"};
}

using VersionFunction = int32_t (*)();
using RuntimeFunction = void* (*)(void*, int32_t);
using BuilderFunction = void* (*)(void*, int32_t);
using ParserFunction = void* (*)(void*, void*, int);

/// The version of the TensorRT that is installed in place of the one that is needed; empty when there is none.
std::string OtherVersion() {
  for (int major = kNewestMajor; major >= kOldestMajor; --major) {
    if (major == kBuiltMajor) continue;
    void* handle = dlopen(FileOf("libnvinfer", major).c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) continue;
    const auto version = reinterpret_cast<VersionFunction>(dlsym(handle, "getInferLibVersion"));
    const std::string text = version == nullptr ? std::to_string(major) : TextOf(VersionOf(version()));
    dlclose(handle);
    return text;
  }
  return {};
}

/// A library of the major version that the headers had, and its `symbol`.
Result<void*> Find(const char* library, const char* symbol, void** handle) {
  const std::string file = FileOf(library, kBuiltMajor);
  if (const std::string path = FindSharedObject(file); !path.empty() && IsCutShort(path)) {
    return Unavailable("TensorRT cannot be loaded: " + path + " is cut short", "install TensorRT again");
  }
  *handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (*handle == nullptr) {
    const std::string why = dlerror();
    if (why.find("No such file") == std::string::npos) {
      return Unavailable("TensorRT cannot be loaded: " + why, "install TensorRT again");
    }
    const std::string other = OtherVersion();
    const std::string needed = "TensorRT " + std::to_string(kBuiltMajor);
    if (other.empty()) {
      return Unavailable(needed + " is not installed (" + why + ")",
                         "install it (on a Jetson: sudo apt install nvidia-jetpack)");
    }
    return Unavailable("this fastsamd was built for " + needed + ", and TensorRT " + other + " is installed",
                       "build it again on this machine (make build)");
  }
  void* found = dlsym(*handle, symbol);
  if (found == nullptr) return Unavailable(file + " lacks " + symbol, "install TensorRT again");
  return found;
}

struct Library {
  RuntimeFunction make_runtime = nullptr;
  BuilderFunction make_builder = nullptr;
  std::string version;
};

std::mutex mutex;
Library library;  // NOLINT(cert-err58-cpp): empty until it is loaded
ParserFunction make_parser = nullptr;

}  // namespace

Status LoadLibrary() {
  const std::lock_guard lock(mutex);
  if (!library.version.empty()) return Ok();
  void* handle = nullptr;
  const Result<void*> asked = Find("libnvinfer", "getInferLibVersion", &handle);
  if (!asked.ok()) return asked.error();
  const Version version = VersionOf(reinterpret_cast<VersionFunction>(asked.value())());
  if (version.major != kBuiltMajor || version.minor < kBuiltMinor) {
    return Unavailable("this fastsamd was built for TensorRT " + std::to_string(kBuiltMajor) + "." +
                           std::to_string(kBuiltMinor) + ", and TensorRT " + TextOf(version) + " is installed",
                       "build it again on this machine (make build)");
  }
  void* runtime = dlsym(handle, "createInferRuntime_INTERNAL");
  void* builder = dlsym(handle, "createInferBuilder_INTERNAL");
  if (runtime == nullptr) {
    return Unavailable(FileOf("libnvinfer", kBuiltMajor) + " lacks createInferRuntime_INTERNAL",
                       "install TensorRT again");
  }
  library = {reinterpret_cast<RuntimeFunction>(runtime), reinterpret_cast<BuilderFunction>(builder), TextOf(version)};
  return Ok();
}

std::string LibraryVersion() {
  const std::lock_guard lock(mutex);
  return library.version;
}

Result<std::unique_ptr<nvinfer1::IRuntime>> MakeRuntime(Logger& logger) {
  if (Status loaded = LoadLibrary(); !loaded.ok()) return loaded.error();
  std::unique_ptr<nvinfer1::IRuntime> runtime(
      static_cast<nvinfer1::IRuntime*>(library.make_runtime(&logger, NV_TENSORRT_VERSION)));
  if (runtime == nullptr) return logger.Failure(ErrorCode::kEngineUnavailable, "TensorRT does not start");
  return runtime;
}

Result<std::unique_ptr<nvinfer1::IBuilder>> MakeBuilder(Logger& logger) {
  if (Status loaded = LoadLibrary(); !loaded.ok()) return loaded.error();
  std::unique_ptr<nvinfer1::IBuilder> builder;
  if (library.make_builder != nullptr) {
    builder.reset(static_cast<nvinfer1::IBuilder*>(library.make_builder(&logger, NV_TENSORRT_VERSION)));
  }
  if (builder == nullptr) return logger.Failure(ErrorCode::kEngineUnavailable, "TensorRT's builder does not start");
  return builder;
}

Result<std::unique_ptr<nvonnxparser::IParser>> MakeParser(nvinfer1::INetworkDefinition& network, Logger& logger) {
  {
    const std::lock_guard lock(mutex);
    if (make_parser == nullptr) {
      void* handle = nullptr;
      const Result<void*> found = Find("libnvonnxparser", "createNvOnnxParser_INTERNAL", &handle);
      if (!found.ok()) return found.error();
      make_parser = reinterpret_cast<ParserFunction>(found.value());
    }
  }
  std::unique_ptr<nvonnxparser::IParser> parser(
      static_cast<nvonnxparser::IParser*>(make_parser(&network, &logger, NV_ONNX_PARSER_VERSION)));
  if (parser == nullptr) return logger.Failure(ErrorCode::kEngineUnavailable, "TensorRT's ONNX parser does not start");
  return parser;
}

}  // namespace fastsamd::tensorrt
