// libnvinfer and libnvonnxparser as far as native/tensorrt calls them: engines that play back recorded outputs.
#include <NvInfer.h>
#include <NvInferVersion.h>
#include <NvOnnxParser.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "standin/cuda.h"
#include "standin/faults.h"
#include "standin/play.h"
#include "standin/playback.h"
#include "stubs.h"

namespace fastsamd::standin {
namespace {

#if NV_TENSORRT_MAJOR >= 10
constexpr uint32_t kVersion = NV_TENSORRT_MAJOR * 10000 + NV_TENSORRT_MINOR * 100 + NV_TENSORRT_PATCH;
#else
constexpr uint32_t kVersion = NV_TENSORRT_MAJOR * 1000 + NV_TENSORRT_MINOR * 100 + NV_TENSORRT_PATCH;
#endif
using Severity = ILogger::Severity;

std::vector<char> Contents(const char* path) {
  std::ifstream file(path == nullptr ? "" : path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <typename List>
Dims DimsOf(const List& list) {
  Dims dims{};
  for (const auto side : list) dims.d[dims.nbDims++] = side;
  return dims;
}

/// A public class of TensorRT around a stand-in of what is behind it.
template <typename Public, typename Impl>
struct Facade final : Public {
  template <typename... Arguments>
  explicit Facade(Arguments&&... arguments) : impl(std::forward<Arguments>(arguments)...) {
    this->mImpl = &impl;
  }
  Impl impl;
};

int DlaCores() {
  const char* text = std::getenv("FASTSAMD_STANDIN_DLA_CORES");
  return text == nullptr ? 2 : std::atoi(text);
}

class Context final : public VExecutionContextStub {
 public:
  explicit Context(const std::shared_ptr<const Playback>& playback)
      : tensors_(playback->outputs.size() + 1), player_(MakePlayer(playback)) {}

  bool setTensorAddress(const char* name, void* memory) noexcept override {
    addresses_[name] = memory;
    return FaultOf("setTensorAddress") == 0;
  }
  bool enqueueV3(cudaStream_t stream) noexcept override {
    const int fault = FaultOf("enqueueV3");
    if (fault >= cudaErrorIllegalAddress) LoseDevice(static_cast<cudaError_t>(fault));
    if (fault != 0 || addresses_.size() != tensors_) return false;
    return player_->Enqueue(addresses_, stream) == cudaSuccess;
  }

 private:
  size_t tensors_;
  std::unique_ptr<Player> player_;
  std::map<std::string, void*> addresses_;
};

class Engine final : public VCudaEngineStub {
 public:
  explicit Engine(std::shared_ptr<const Playback> playback) : playback_(std::move(playback)) {}

  int32_t getNbIOTensors() const noexcept override { return 1 + static_cast<int32_t>(playback_->outputs.size()); }
  const char* getIOTensorName(int32_t index) const noexcept override {
    return index == 0 ? "images" : playback_->outputs[static_cast<size_t>(index) - 1].name.c_str();
  }
  TensorIOMode getTensorIOMode(const char* name) const noexcept override {
    return std::strcmp(name, "images") == 0 ? TensorIOMode::kINPUT : TensorIOMode::kOUTPUT;
  }
  TensorFormat getTensorFormat(const char*) const noexcept override { return TensorFormat::kLINEAR; }
  DataType getTensorDataType(const char* name) const noexcept override {
    const auto* output = Find(name);
    return (output == nullptr ? playback_->input_type : output->type) == 1 ? DataType::kHALF : DataType::kFLOAT;
  }
  Dims getTensorShape(const char* name) const noexcept override {
    const auto* output = Find(name);
    return output == nullptr ? DimsOf(std::vector<int>{1, 3, playback_->height, playback_->width})
                             : DimsOf(output->dims);
  }
#if NV_TENSORRT_MAJOR >= 10
  IExecutionContext* createExecutionContext(ExecutionContextAllocationStrategy) noexcept override {
#else
  IExecutionContext* createExecutionContext() noexcept override {
#endif
    if (FaultOf("createExecutionContext") != 0) return nullptr;
    return new Facade<IExecutionContext, Context>(playback_);
  }

 private:
  const Playback::Output* Find(const char* name) const {
    for (const auto& output : playback_->outputs) {
      if (output.name == name) return &output;
    }
    return nullptr;
  }

  std::shared_ptr<const Playback> playback_;
};

class Runtime final : public VRuntimeStub {
 public:
  explicit Runtime(ILogger& logger) : logger_(logger) {}

  /// Two, as on an AGX Orin; FASTSAMD_STANDIN_DLA_CORES says another number.
  int32_t getNbDLACores() const noexcept override { return DlaCores(); }
  void setDLACore(int32_t core) noexcept override { Record("runtime.dla", core); }

#if NV_TENSORRT_MAJOR >= 10
  ICudaEngine* deserializeCudaEngine(const void* blob, size_t size) noexcept override {
#else
  ICudaEngine* deserializeCudaEngine(const void* blob, size_t size, IPluginFactory*) noexcept override {
#endif
    const int fault = FaultOf("deserializeCudaEngine");
    if (fault == cudaErrorMemoryAllocation) logger_.log(Severity::kERROR, "Cuda Runtime (out of memory)");
    const auto playback = std::make_shared<Playback>();
    if (fault != 0 || !Parse(blob, size, *playback)) {
      logger_.log(Severity::kERROR, "Serialization assertion failed: magic tag does not match");
      return nullptr;
    }
    logger_.log(Severity::kWARNING, "Using an engine plan file across different models of devices is not recommended");
    if (playback->tensorrt_version != 0 && playback->tensorrt_version != kVersion) {
      logger_.log(Severity::kERROR, "The engine plan file is not compatible with this version of TensorRT");
      return nullptr;
    }
    return new Facade<ICudaEngine, Engine>(playback);
  }
#if NV_TENSORRT_MAJOR >= 10 && NV_TENSORRT_MAJOR < 11
  ICudaEngine* deserializeCudaEngine(IStreamReader&) noexcept override {
    Unexpected("VRuntime", "deserializeCudaEngine(IStreamReader&)");
  }
#endif

 private:
  ILogger& logger_;
};

class Memory final : public VHostMemoryStub {
 public:
  explicit Memory(std::vector<char> bytes) : bytes_(std::move(bytes)) {}
  void* data() const noexcept override { return const_cast<char*>(bytes_.data()); }
  size_t size() const noexcept override { return bytes_.size(); }

 private:
  std::vector<char> bytes_;
};

class Tensor final : public VTensorStub {
 public:
  explicit Tensor(DataType type = DataType::kFLOAT) : type_(type) {}
  Dims getDimensions() const noexcept override { return dims_; }
  DataType getType() const noexcept override { return type_; }
#if NV_TENSORRT_MAJOR >= 10
  void setDimensions(const Dims& dims) noexcept override { dims_ = dims; }
#else
  void setDimensions(Dims dims) noexcept override { dims_ = dims; }
#endif

 private:
  DataType type_;
  Dims dims_ = DimsOf(std::vector<int>{-1, 3, -1, -1});
};

using TensorFacade = Facade<ITensor, Tensor>;

/// Records its number when it is told a precision.
class Layer final : public VLayerStub {
 public:
  Layer(int number, LayerType type, ITensor* input, DataType output)
      : number_(number), type_(type), input_(input), output_(output) {}
  LayerType getType() const noexcept override { return type_; }
  int32_t getNbInputs() const noexcept override { return 1; }
  int32_t getNbOutputs() const noexcept override { return 1; }
  ITensor* getInput(int32_t) const noexcept override { return input_; }
  ITensor* getOutput(int32_t) const noexcept override { return &output_; }
#if NV_TENSORRT_MAJOR < 11
  void setPrecision(DataType) noexcept override { Record("layer.precision", number_); }
  void setOutputType(int32_t, DataType type) noexcept override { Record("layer.type", static_cast<int>(type)); }
#endif

 private:
  int number_;
  LayerType type_;
  ITensor* input_;
  mutable TensorFacade output_;
};

/// Public only so that it can be made: the constructors of ILayer are protected.
struct LayerFacade final : ILayer {
  LayerFacade(int number, LayerType type, ITensor* input, DataType output) : impl(number, type, input, output) {
    this->mLayer = &impl;
  }
  Layer impl;
};

/// A chain: convolution before a quantisation, convolution in half, convolution and softmax in float.
class Network final : public VNetworkDefinitionStub {
 public:
  Network() {
    Add(LayerType::kCONVOLUTION, DataType::kFLOAT);
    Add(LayerType::kQUANTIZE, DataType::kINT8);
    Add(LayerType::kDEQUANTIZE, DataType::kFLOAT);
    Add(LayerType::kCONVOLUTION, DataType::kHALF);
    Add(LayerType::kCONVOLUTION, DataType::kFLOAT);
    Add(LayerType::kSHUFFLE, DataType::kFLOAT);
    Add(LayerType::kSOFTMAX, DataType::kFLOAT);
  }
  int32_t getNbInputs() const noexcept override { return 1; }
  ITensor* getInput(int32_t) const noexcept override { return &input_; }
  int32_t getNbLayers() const noexcept override { return static_cast<int32_t>(layers_.size()); }
  ILayer* getLayer(int32_t index) const noexcept override { return layers_[static_cast<size_t>(index)].get(); }

 private:
  void Add(LayerType type, DataType output) {
    ITensor* before = layers_.empty() ? &input_ : layers_.back()->getOutput(0);
    layers_.push_back(std::make_unique<LayerFacade>(static_cast<int>(layers_.size()), type, before, output));
  }

  mutable TensorFacade input_;
  std::vector<std::unique_ptr<LayerFacade>> layers_;
};

class TimingCache final : public VTimingCacheStub {
 public:
  IHostMemory* serialize() const noexcept override {
    const std::string text = "timing of a stand-in";
    return new Facade<IHostMemory, Memory>(std::vector<char>(text.begin(), text.end()));
  }
};

/// What a build was asked for, in the environment of whoever asks: FASTSAMD_STANDIN_PLAN is the file that it gives.
class Config final : public VBuilderConfigStub {
 public:
  void setFlag(BuilderFlag flag) noexcept override { Record("config.set", static_cast<int>(flag)); }
  void clearFlag(BuilderFlag flag) noexcept override { Record("config.clear", static_cast<int>(flag)); }
#if NV_TENSORRT_MAJOR > 8 || NV_TENSORRT_MINOR >= 6
  void setBuilderOptimizationLevel(int32_t level) noexcept override { Record("config.level", level); }
#endif
  ITimingCache* createTimingCache(const void* blob, size_t size) const noexcept override {
    const std::string text(static_cast<const char*>(blob), size);
    // A cache of another version, which TensorRT refuses.
    if (size > 0 && text.rfind("timing", 0) != 0) return nullptr;
    Record("config.cache", static_cast<int>(size));
    return new Facade<ITimingCache, TimingCache>();
  }
  bool setTimingCache(const ITimingCache&, bool) noexcept override { return true; }
  void setMemoryPoolLimit(MemoryPoolType, size_t) noexcept override {}
  void setDefaultDeviceType(DeviceType) noexcept override {}
  void setDLACore(int32_t core) noexcept override { Record("config.dla", core); }
#if NV_TENSORRT_MAJOR >= 10
  void setProgressMonitor(IProgressMonitor* monitor) noexcept override { monitor_ = monitor; }
  IProgressMonitor* monitor_ = nullptr;
#endif
};

class Builder final : public VBuilderStub {
 public:
  explicit Builder(ILogger& logger) : logger_(logger) {}

  int32_t getNbDLACores() const noexcept override { return DlaCores(); }
  INetworkDefinition* createNetworkV2(NetworkDefinitionCreationFlags flags) noexcept override {
    if (FaultOf("createNetworkV2") != 0) return nullptr;
    Record("network.flags", static_cast<int>(flags));
    return new Facade<INetworkDefinition, Network>();
  }
  IBuilderConfig* createBuilderConfig() noexcept override {
    if (FaultOf("createBuilderConfig") != 0) return nullptr;
    config_ = new Facade<IBuilderConfig, Config>();
    return config_;
  }
  IHostMemory* buildSerializedNetwork(INetworkDefinition&, IBuilderConfig&) noexcept override {
    const int fault = FaultOf("buildSerializedNetwork");
    if (fault == cudaErrorMemoryAllocation) logger_.log(Severity::kERROR, "[virtualMemoryBuffer] OutOfMemory");
    if (fault != 0 || !Progress()) return nullptr;
    return new Facade<IHostMemory, Memory>(Contents(std::getenv("FASTSAMD_STANDIN_PLAN")));
  }

 private:
  bool Progress() {
#if NV_TENSORRT_MAJOR >= 10
    IProgressMonitor* monitor = config_->impl.monitor_;
    if (monitor == nullptr) return true;
    monitor->phaseStart("Building engine from network", nullptr, 4);
    for (int step = 0; step < 4; ++step) {
      monitor->phaseStart("Tactic timing", "Building engine from network", 1);
      monitor->phaseFinish("Tactic timing");
      if (!monitor->stepComplete("Building engine from network", step)) return false;
    }
    monitor->phaseFinish("Building engine from network");
#endif
    return true;
  }

  ILogger& logger_;
  Facade<IBuilderConfig, Config>* config_ = nullptr;
};

class ParserError final : public parser::IParserErrorStub {
 public:
  parser::ErrorCode code() const override { return parser::ErrorCode::kMODEL_DESERIALIZE_FAILED; }
  const char* desc() const override { return "Failed to parse the ONNX model"; }
};

class Parser final : public parser::IParserStub {
 public:
  /// An ONNX file starts with its IR version: field 1, a varint.
  bool parseFromFile(const char* path, int) noexcept override {
    const std::vector<char> bytes = Contents(path);
    good_ = !bytes.empty() && bytes[0] == 8 && FaultOf("parseFromFile") == 0;
    return good_;
  }
  int getNbErrors() const noexcept override { return good_ ? 0 : 1; }
  const nvonnxparser::IParserError* getError(int) const noexcept override { return &error_; }

 private:
  bool good_ = true;
  ParserError error_;
};

}  // namespace
}  // namespace fastsamd::standin

using namespace fastsamd::standin;

extern "C" {

int32_t getInferLibVersion() noexcept { return static_cast<int32_t>(kVersion); }

void* createInferRuntime_INTERNAL(void* logger, int32_t) noexcept {
  if (FaultOf("createInferRuntime") != 0) return nullptr;
  return static_cast<nvinfer1::IRuntime*>(
      new Facade<nvinfer1::IRuntime, Runtime>(*static_cast<nvinfer1::ILogger*>(logger)));
}

void* createInferBuilder_INTERNAL(void* logger, int32_t) noexcept {
  if (FaultOf("createInferBuilder") != 0) return nullptr;
  return static_cast<nvinfer1::IBuilder*>(
      new Facade<nvinfer1::IBuilder, Builder>(*static_cast<nvinfer1::ILogger*>(logger)));
}

void* createNvOnnxParser_INTERNAL(void*, void*, int) noexcept {
  if (FaultOf("createNvOnnxParser") != 0) return nullptr;
  return static_cast<nvonnxparser::IParser*>(new Parser);
}

}  // extern "C"
