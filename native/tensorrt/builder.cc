#include "tensorrt/builder.h"

#include <NvInfer.h>
#include <NvInferVersion.h>
#include <NvOnnxParser.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "cuda/runtime.h"
#include "tensorrt/engine.h"
#include "tensorrt/engine_file.h"
#include "tensorrt/library.h"

namespace fastsamd::tensorrt {
namespace {

constexpr const char* kBuildMemoryAdvice =
    "; stop what else uses memory, add swap, give --workspace a smaller number, or build for a smaller input";

/// From TensorRT 10 on the builder says how far it is; before, only its log does.
#if NV_TENSORRT_MAJOR >= 10
class Progress final : public nvinfer1::IProgressMonitor {
 public:
  explicit Progress(const ProgressSink& sink) : sink_(sink) {}

  void phaseStart(const char* phase, const char* parent, int32_t steps) noexcept override {
    // Of the nested phases the outermost is the one that a user can follow.
    if (parent != nullptr) return;
    const std::lock_guard lock(mutex_);
    steps_ = steps;
    Report(phase, 0);
  }
  bool stepComplete(const char* phase, int32_t step) noexcept override {
    const std::lock_guard lock(mutex_);
    if (phase_ == phase) Report(phase, step + 1);
    return going_;
  }
  void phaseFinish(const char* phase) noexcept override {
    const std::lock_guard lock(mutex_);
    if (phase_ == phase) Report(phase, steps_);
  }

 private:
  void Report(const char* phase, int step) noexcept {
    try {
      phase_ = phase;
      going_ = sink_(phase_, step, steps_) && going_;
    } catch (...) {
      going_ = false;
    }
  }

  const ProgressSink& sink_;
  std::mutex mutex_;
  std::string phase_;
  int steps_ = 0;
  bool going_ = true;
};
#endif

Error WithAdvice(Error error) {
  if (error.code == ErrorCode::kOutOfMemory) error.message += kBuildMemoryAdvice;
  return error;
}

Status Parse(nvonnxparser::IParser& parser, const BuildRequest& request, Logger& logger) {
  const int warnings = static_cast<int>(nvinfer1::ILogger::Severity::kWARNING);
  if (parser.parseFromFile(request.onnx_path.c_str(), warnings)) return Ok();
  std::string why;
  for (int i = 0; i < parser.getNbErrors(); ++i) why += (i == 0 ? "" : "; ") + std::string(parser.getError(i)->desc());
  const bool unreadable =
      parser.getNbErrors() > 0 && parser.getError(0)->code() == nvonnxparser::ErrorCode::kMODEL_DESERIALIZE_FAILED;
  const std::string logged = logger.TakeErrors();
  return Error{unreadable ? ErrorCode::kModelCorrupt : ErrorCode::kModelUnsupported,
               request.onnx_path + ": TensorRT cannot read it: " + (why.empty() ? logged : why)};
}

/// Gives an open input the size that is asked for, and says which size it is.
Status FixInput(nvinfer1::INetworkDefinition& network, const BuildRequest& request, BuildReport& report) {
  if (network.getNbInputs() != 1 || network.getInput(0)->getDimensions().nbDims != 4) {
    return Error{ErrorCode::kModelUnsupported, request.onnx_path + ": expected one input [1, 3, H, W]"};
  }
  nvinfer1::ITensor& input = *network.getInput(0);
  nvinfer1::Dims dims = input.getDimensions();
  if (dims.d[0] < 1) dims.d[0] = 1;
  if (dims.d[2] < 1) dims.d[2] = request.input_height;
  if (dims.d[3] < 1) dims.d[3] = request.input_width;
  input.setDimensions(dims);
  report.input_height = static_cast<int>(dims.d[2]);
  report.input_width = static_cast<int>(dims.d[3]);
  return Ok();
}

#if NV_TENSORRT_MAJOR < 11
/// Whether TensorRT computes in the types of the model, as it always does from 11, or chooses among those that it is
/// offered.
bool IsStronglyTyped(const BuildRequest& request) {
#if NV_TENSORRT_MAJOR >= 10
  return request.dla_core < 0;
#else
  static_cast<void>(request);
  return false;
#endif
}
#endif

uint32_t NetworkFlags([[maybe_unused]] const BuildRequest& request) {
  using nvinfer1::NetworkDefinitionCreationFlag;
#if NV_TENSORRT_MAJOR >= 11
  return 0;
#elif NV_TENSORRT_MAJOR >= 10
  return IsStronglyTyped(request) ? 1U << static_cast<uint32_t>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED) : 0;
#else
  return 1U << static_cast<uint32_t>(NetworkDefinitionCreationFlag::kEXPLICIT_BATCH);
#endif
}

#if NV_TENSORRT_MAJOR < 11
bool IsArithmetic(nvinfer1::LayerType type) {
  using nvinfer1::LayerType;
  switch (type) {
    case LayerType::kACTIVATION:
    case LayerType::kCONVOLUTION:
    case LayerType::kDECONVOLUTION:
    case LayerType::kELEMENTWISE:
    case LayerType::kMATRIX_MULTIPLY:
    case LayerType::kREDUCE:
    case LayerType::kSCALE:
    case LayerType::kSOFTMAX:
    case LayerType::kUNARY:
      return true;
    default:
      return false;
  }
}

/// Keeps what the model computes in float32 behind its last quantisation, the decoding of boxes and scores, in float32:
/// a half has steps of 0.5 above 512.
void KeepFloat32(const nvinfer1::INetworkDefinition& network) {
  // Tensors that a quantisation follows: what writes them may become 8 bit.
  std::set<const nvinfer1::ITensor*> quantised;
  for (int32_t i = network.getNbLayers() - 1; i >= 0; --i) {
    nvinfer1::ILayer& layer = *network.getLayer(i);
    bool leads = layer.getType() == nvinfer1::LayerType::kQUANTIZE;
    for (int32_t k = 0; k < layer.getNbOutputs(); ++k) leads = leads || quantised.count(layer.getOutput(k)) > 0;
    if (leads) {
      for (int32_t k = 0; k < layer.getNbInputs(); ++k) quantised.insert(layer.getInput(k));
    } else if (IsArithmetic(layer.getType()) && layer.getOutput(0)->getType() == nvinfer1::DataType::kFLOAT) {
      layer.setPrecision(nvinfer1::DataType::kFLOAT);
      layer.setOutputType(0, nvinfer1::DataType::kFLOAT);
    }
  }
}
#endif

void SetTypes([[maybe_unused]] const nvinfer1::INetworkDefinition& network, nvinfer1::IBuilderConfig& config,
              [[maybe_unused]] const BuildRequest& request) {
  // On by default, and no float32: a mantissa of 10 bits, as in float16. What may be less precise is typed so.
  config.clearFlag(nvinfer1::BuilderFlag::kTF32);
#if NV_TENSORRT_MAJOR < 11
  if (IsStronglyTyped(request) || request.precision == Precision::kFp32) return;
  config.setFlag(nvinfer1::BuilderFlag::kFP16);
  if (request.precision == Precision::kInt8) config.setFlag(nvinfer1::BuilderFlag::kINT8);
  config.setFlag(nvinfer1::BuilderFlag::kPREFER_PRECISION_CONSTRAINTS);
  KeepFloat32(network);
#endif
}

/// As trtexec does. Errors: kEngineUnavailable where there is no such core, kMisuse for types that it lacks.
Status UseDla(const nvinfer1::IBuilder& builder, nvinfer1::IBuilderConfig& config, const BuildRequest& request) {
  const int cores = builder.getNbDLACores();
  if (request.dla_core >= cores) {
    return Error{ErrorCode::kEngineUnavailable,
                 "there is no DLA core " + std::to_string(request.dla_core) + ": TensorRT " + LibraryVersion() +
                     " finds " + std::to_string(cores) + " of them here (Thor and Orin Nano have none, and TensorRT " +
                     "10.8 to 11.3 supports none on a Jetson); leave model.tensorrt.dlaCore out"};
  }
  if (request.precision != Precision::kFp16) {
    return Error{
        ErrorCode::kMisuse,
        "the Deep Learning Accelerator computes in float16, and in INT8 without Q/DQ pairs only; build for fp16"};
  }
  config.setDefaultDeviceType(nvinfer1::DeviceType::kDLA);
  config.setDLACore(request.dla_core);
  // Layers that the accelerator cannot do run on the GPU.
  config.setFlag(nvinfer1::BuilderFlag::kGPU_FALLBACK);
  return Ok();
}

std::vector<char> Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// A cache of another TensorRT or GPU is refused by TensorRT, and an empty one is filled in its place.
std::unique_ptr<nvinfer1::ITimingCache> UseTimingCache(nvinfer1::IBuilderConfig& config, const std::string& path) {
  if (path.empty()) return nullptr;
  const std::vector<char> stored = Contents(path);
  std::unique_ptr<nvinfer1::ITimingCache> cache(config.createTimingCache(stored.data(), stored.size()));
  if (cache == nullptr && !stored.empty()) cache.reset(config.createTimingCache(nullptr, 0));
  if (cache != nullptr && !config.setTimingCache(*cache, false)) cache.reset();
  return cache;
}

/// The cache only saves time: one that cannot be kept is no error.
void KeepTimingCache(const nvinfer1::ITimingCache* cache, const std::string& path) {
  if (cache == nullptr) return;
  const std::unique_ptr<nvinfer1::IHostMemory> bytes(cache->serialize());
  if (bytes != nullptr) static_cast<void>(WriteDurably(path, bytes->data(), bytes->size()));
}

}  // namespace

Result<BuildReport> BuildEngine(const BuildRequest& request, LogSink log, ProgressSink progress) {
  if (const Result<cuda::Device> device = cuda::QueryDevice(); !device.ok()) return device.error();
  Logger logger(std::move(log));
  const Result<std::unique_ptr<nvinfer1::IBuilder>> made = MakeBuilder(logger);
  if (!made.ok()) return made.error();
  nvinfer1::IBuilder* builder = made.value().get();
  const std::unique_ptr<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(NetworkFlags(request)));
  const std::unique_ptr<nvinfer1::IBuilderConfig> config(builder->createBuilderConfig());
  if (network == nullptr || config == nullptr) {
    return WithAdvice(logger.Failure(ErrorCode::kEngineFailed, "TensorRT's builder does not start"));
  }
  const Result<std::unique_ptr<nvonnxparser::IParser>> parser = MakeParser(*network, logger);
  if (!parser.ok()) return parser.error();
  if (Status s = Parse(*parser.value(), request, logger); !s.ok()) return s.error();
  BuildReport report;
  if (Status s = FixInput(*network, request, report); !s.ok()) return s.error();

  SetTypes(*network, *config, request);
  if (request.workspace_bytes > 0) {
    config->setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE, request.workspace_bytes);
  }
  if (request.dla_core >= 0) {
    if (Status s = UseDla(*builder, *config, request); !s.ok()) return s.error();
  }
#if NV_TENSORRT_MAJOR > 8 || NV_TENSORRT_MINOR >= 6
  config->setBuilderOptimizationLevel(request.optimization_level);
#endif
  const std::unique_ptr<nvinfer1::ITimingCache> cache = UseTimingCache(*config, request.timing_cache_path);
#if NV_TENSORRT_MAJOR >= 10
  Progress monitor(progress);
  config->setProgressMonitor(&monitor);
#else
  if (!progress("building", 0, 0)) return Error{ErrorCode::kEngineFailed, "the build was cancelled"};
#endif
  const std::unique_ptr<nvinfer1::IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
  if (plan == nullptr) {
    return WithAdvice(logger.Failure(ErrorCode::kEngineFailed, request.onnx_path + ": TensorRT builds no engine"));
  }
  KeepTimingCache(cache.get(), request.timing_cache_path);
  report.plan_bytes = plan->size();
  if (Status s = WriteDurably(request.plan_path, plan->data(), plan->size()); !s.ok()) return s.error();
  return report;
}

}  // namespace fastsamd::tensorrt
