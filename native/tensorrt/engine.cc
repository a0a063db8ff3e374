#include "tensorrt/engine.h"

#include <cstring>
#include <utility>

#include "cuda/runtime.h"
#include "tensorrt/engine_file.h"
#include "tensorrt/library.h"

namespace fastsamd::tensorrt {
namespace {

using nvinfer1::DataType;
using nvinfer1::ICudaEngine;
using nvinfer1::TensorIOMode;

constexpr int kMaxInputSide = 8192;

size_t BytesPerElement(DataType type) {
  switch (type) {
    case DataType::kFLOAT:
    case DataType::kINT32:
      return 4;
    case DataType::kHALF:
      return 2;
    case DataType::kINT8:
    case DataType::kBOOL:
      return 1;
    default:
      return 8;  // no type is wider
  }
}

std::string Describe(const Tensor& tensor) {
  std::string text = tensor.name + " [";
  for (size_t i = 0; i < tensor.dims.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(tensor.dims[i]);
  return text + "]";
}

struct Described {
  Tensor tensor;
  bool input = false;
  /// Plain rows of float or half, which the kernels can work with.
  bool usable = false;
};

Result<Described> DescribeTensor(const ICudaEngine& engine, const char* name) {
  Described described;
  Tensor& tensor = described.tensor;
  tensor.name = name;
  described.input = engine.getTensorIOMode(name) == TensorIOMode::kINPUT;
  const DataType type = engine.getTensorDataType(name);
  described.usable = (type == DataType::kFLOAT || type == DataType::kHALF) &&
                     engine.getTensorFormat(name) == nvinfer1::TensorFormat::kLINEAR;
  tensor.type = type == DataType::kHALF ? cuda::ElementType::kHalf : cuda::ElementType::kFloat;
  tensor.bytes = BytesPerElement(type);
  const nvinfer1::Dims dims = engine.getTensorShape(name);
  for (int i = 0; i < dims.nbDims; ++i) {
    tensor.dims.push_back(static_cast<int64_t>(dims.d[i]));
    if (dims.d[i] < 1) {
      return Error{ErrorCode::kModelUnsupported,
                   "the engine leaves the size of " + Describe(tensor) +
                       " open; build it for one size (fastsamd engine build, or dynamic=False in Ultralytics)"};
    }
    tensor.bytes *= static_cast<size_t>(dims.d[i]);
  }
  return described;
}

Error NotYolo(const std::string& found) {
  return {ErrorCode::kModelUnsupported,
          "not a YOLOv8-seg engine: expected one input [1, 3, H, W] and outputs [1, 4+classes+32, anchors] and "
          "[1, 32, H/4, W/4] in float32 or float16, found " +
              found};
}

bool IsInput(const Described& d) {
  const auto& dims = d.tensor.dims;
  return d.usable && dims.size() == 4 && dims[0] == 1 && dims[1] == 3 && dims[2] % 32 == 0 && dims[3] % 32 == 0 &&
         dims[2] <= kMaxInputSide && dims[3] <= kMaxInputSide;
}

Result<Signature> Recognise(const ICudaEngine& engine) {
  std::vector<Described> inputs;
  std::vector<Described> outputs;
  std::string found;
  for (int i = 0; i < engine.getNbIOTensors(); ++i) {
    Result<Described> described = DescribeTensor(engine, engine.getIOTensorName(i));
    if (!described.ok()) return described.error();
    found += (i == 0 ? "" : ", ") + Describe(described.value().tensor);
    (described.value().input ? inputs : outputs).push_back(std::move(described).value());
  }
  if (inputs.size() != 1 || !IsInput(inputs[0])) return NotYolo(found);

  Signature signature;
  signature.input = inputs[0].tensor;
  const int64_t height = signature.input.dims[2];
  const int64_t width = signature.input.dims[3];
  signature.input_height = static_cast<int>(height);
  signature.input_width = static_cast<int>(width);
  const int64_t anchors = height * width / 64 + height * width / 256 + height * width / 1024;
  signature.anchors = static_cast<int>(anchors);
  for (Described& output : outputs) {
    const auto& dims = output.tensor.dims;
    const bool detections = output.usable && dims.size() == 3 && dims[0] == 1 && dims[1] > 4 + kMaskChannels &&
                            dims[1] <= 65536 && dims[2] == anchors;
    const bool proto = output.usable && dims.size() == 4 && dims[0] == 1 && dims[1] == kMaskChannels &&
                       dims[2] == height / 4 && dims[3] == width / 4;
    if (detections && signature.classes == 0) {
      signature.classes = static_cast<int>(dims[1]) - 4 - kMaskChannels;
      signature.detections = std::move(output.tensor);
    } else if (proto && signature.proto.name.empty()) {
      signature.proto = std::move(output.tensor);
    } else {
      signature.others.push_back(std::move(output.tensor));
    }
  }
  if (signature.classes == 0 || signature.proto.name.empty()) return NotYolo(found);
  return signature;
}

/// The value of the key "dla" in the JSON that Ultralytics writes; -1 without one.
int DlaCoreOf(const std::string& metadata) {
  constexpr const char* kKey = "\"dla\"";
  size_t at = metadata.find(kKey);
  if (at == std::string::npos) return -1;
  at = metadata.find_first_not_of(" :", at + std::strlen(kKey));
  if (at == std::string::npos || metadata[at] < '0' || metadata[at] > '9') return -1;
  return metadata[at] - '0';
}

}  // namespace

Result<std::shared_ptr<Engine>> Engine::Load(const std::string& path, LogSink sink, int dla_core) {
  const Result<cuda::Device> device = cuda::QueryDevice();
  if (!device.ok()) return device.error();
  Result<EngineFile> file = ReadEngineFile(path);
  if (!file.ok()) return file.error();

  std::shared_ptr<Engine> loaded(new Engine);
  loaded->logger_ = std::make_unique<Logger>(std::move(sink));
  Result<std::unique_ptr<nvinfer1::IRuntime>> runtime = MakeRuntime(*loaded->logger_);
  if (!runtime.ok()) return runtime.error();
  loaded->runtime_ = std::move(runtime).value();
  if (dla_core < 0) dla_core = DlaCoreOf(file.value().metadata);
  if (dla_core >= 0) {
    const int cores = loaded->runtime_->getNbDLACores();
    if (dla_core >= cores) {
      return Error{ErrorCode::kEngineStale, path + ": built for DLA core " + std::to_string(dla_core) +
                                                ", of which TensorRT " + LibraryVersion() + " finds " +
                                                std::to_string(cores) +
                                                " here; build it for the GPU (fastsamd engine build)"};
    }
    // Before the plan is read, which is for one core.
    loaded->runtime_->setDLACore(dla_core);
  }
  loaded->engine_.reset(loaded->runtime_->deserializeCudaEngine(file.value().plan(), file.value().plan_size()));
  if (loaded->engine_ == nullptr) {
    return loaded->logger_->Failure(ErrorCode::kEngineStale,
                                    path + ": TensorRT " + LibraryVersion() + " on " + device.value().name +
                                        " refuses this engine; build it again on this machine (fastsamd engine build)");
  }
  Result<Signature> signature = Recognise(*loaded->engine_);
  if (!signature.ok()) return Error{signature.error().code, path + ": " + signature.error().message};
  loaded->signature_ = std::move(signature).value();
  loaded->metadata_ = std::move(file.value().metadata);
  return loaded;
}

Result<std::unique_ptr<nvinfer1::IExecutionContext>> Engine::MakeContext() {
  std::unique_ptr<nvinfer1::IExecutionContext> context(engine_->createExecutionContext());
  if (context == nullptr) return logger_->Failure(ErrorCode::kEngineFailed, "TensorRT makes no execution context");
  return context;
}

}  // namespace fastsamd::tensorrt
