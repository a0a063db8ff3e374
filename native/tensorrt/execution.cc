#include "tensorrt/execution.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "core/color.h"

namespace fastsamd::tensorrt {
namespace {

using cuda::Check;
using Clock = std::chrono::steady_clock;

/// Room for the logits of the objects of one launch: at least a whole proto grid, and 4 MiB, which hold most frames.
constexpr size_t kMinLogits = 1 << 20;
/// Objects of one launch.
constexpr size_t kMaxRequests = 1024;
/// Planes begin where the widest loads may.
constexpr size_t kPlaneAlignment = 256;
/// Every byte of the input with which the network is warmed up and its graph proved: 0.0115 in float, 1.06 in half.
constexpr int kWarmUpByte = 0x3c;
/// NaN in float and half: what a replay must overwrite.
constexpr int kPoisonByte = 0xff;
/// How long the wait for the masks may keep a core busy. Their kernel takes some 10 µs, and to be woken takes longer;
/// it takes more when another context has the GPU.
constexpr std::chrono::microseconds kLongestPoll{200};
/// How far a replayed output may be from the plain one, as a share of the largest plain value: tactics that sum in any
/// order differ in the last bits.
constexpr float kReplayTolerance = 0.01F;

double MsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

size_t Aligned(size_t bytes) { return (bytes + kPlaneAlignment - 1) / kPlaneAlignment * kPlaneAlignment; }

void CopyPlane(const uint8_t* from, size_t stride, size_t row_bytes, size_t rows, uint8_t* to) {
  if (stride == row_bytes) {
    std::memcpy(to, from, row_bytes * rows);
    return;
  }
  for (size_t row = 0; row < rows; ++row) std::memcpy(to + row * row_bytes, from + row * stride, row_bytes);
}

/// Moves what a Result holds to its place, or passes its error on.
template <typename T>
Status Put(Result<T> result, T& place) {
  if (!result.ok()) return result.error();
  place = std::move(result).value();
  return Ok();
}

std::vector<float> ValuesOf(const std::vector<char>& bytes, cuda::ElementType type) {
  std::vector<float> values(bytes.size() / cuda::SizeOf(type));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = type == cuda::ElementType::kHalf ? cuda::Load(reinterpret_cast<const cuda::Half*>(bytes.data()), i)
                                                 : cuda::Load(reinterpret_cast<const float*>(bytes.data()), i);
  }
  return values;
}

/// Whether a replay gave what the plain run gave. NaN equals nothing but the same bits.
bool SameOutput(const std::vector<char>& plain, const std::vector<char>& replayed, cuda::ElementType type) {
  if (plain == replayed) return true;
  const std::vector<float> expected = ValuesOf(plain, type);
  const std::vector<float> got = ValuesOf(replayed, type);
  float largest = 0.0F;
  for (const float value : expected) largest = std::max(largest, std::fabs(value));
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!(std::fabs(got[i] - expected[i]) <= kReplayTolerance * largest)) return false;
  }
  return true;
}

size_t LogitsOf(const Signature& signature) {
  const size_t grid = static_cast<size_t>(signature.input_width / 4) * static_cast<size_t>(signature.input_height / 4);
  return std::max(grid, kMinLogits);
}

}  // namespace

Result<std::unique_ptr<Execution>> Execution::Make(std::shared_ptr<Engine> engine) {
  std::unique_ptr<Execution> execution(new Execution(std::move(engine)));
  if (Status allocated = execution->Allocate(); !allocated.ok()) return allocated.error();
  if (Status warm = execution->WarmUp(); !warm.ok()) return warm.error();
  if (Status recorded = execution->RecordGraph(); !recorded.ok()) return recorded.error();
  return execution;
}

Status Execution::Allocate() {
  const Signature& signature = engine_->signature();
  const size_t taps = static_cast<size_t>(signature.input_width + signature.input_height) * sizeof(Tap);
  const size_t anchors = static_cast<size_t>(signature.anchors);
  const size_t logits = LogitsOf(signature);
  if (Status s = Put(cuda::MakeStream(), stream_); !s.ok()) return s;
  for (cuda::Event* event : {&started_, &letterboxed_, &inferred_, &done_}) {
    if (Status s = Put(cuda::MakeEvent(), *event); !s.ok()) return s;
  }
  const std::pair<cuda::DeviceMemory*, size_t> device[] = {
      {&taps_, taps}, {&input_, signature.input.bytes}, {&selected_count_, sizeof(uint32_t)}};
  for (const auto& [place, bytes] : device) {
    if (Status s = Put(cuda::AllocateDevice(bytes), *place); !s.ok()) return s;
  }
  const std::pair<cuda::MappedMemory*, size_t> mapped[] = {
      {&host_taps_, taps},
      {&host_count_, sizeof(uint32_t)},
      {&selected_, (anchors + kMaxCarried) * sizeof(cuda::SelectedAnchor)},
      {&requests_, kMaxRequests * sizeof(cuda::LogitRequest)},
      {&logits_, logits * sizeof(float)}};
  for (const auto& [place, bytes] : mapped) {
    if (Status s = Put(cuda::MappedMemory::Allocate(bytes), *place); !s.ok()) return s;
  }
  if (Status s = Put(engine_->MakeContext(), context_); !s.ok()) return s;
  if (!context_->setTensorAddress(signature.input.name.c_str(), input_.get())) {
    return engine_->logger().Failure(ErrorCode::kEngineFailed, "TensorRT takes no memory for its input");
  }
  if (Status s = BindOutput(signature.detections, detections_); !s.ok()) return s;
  if (Status s = BindOutput(signature.proto, proto_); !s.ok()) return s;
  others_.resize(signature.others.size());
  for (size_t i = 0; i < others_.size(); ++i) {
    if (Status s = BindOutput(signature.others[i], others_[i]); !s.ok()) return s;
  }
  return Ok();
}

Status Execution::BindOutput(const Tensor& tensor, cuda::DeviceMemory& memory) {
  if (Status s = Put(cuda::AllocateDevice(tensor.bytes), memory); !s.ok()) return s;
  if (!context_->setTensorAddress(tensor.name.c_str(), memory.get())) {
    return engine_->logger().Failure(ErrorCode::kEngineFailed, "TensorRT takes no memory for " + tensor.name);
  }
  return Ok();
}

/// TensorRT does some of its work at the first enqueue after a change of addresses, which must be over before a graph
/// is recorded.
Status Execution::WarmUp() {
  const Status filled = Check(
      cudaMemsetAsync(input_.get(), kWarmUpByte, engine_->signature().input.bytes, stream_.get()), "filling the input");
  if (!filled.ok()) return filled;
  if (Status inferred = Infer(); !inferred.ok()) return inferred;
  return Check(cudaStreamSynchronize(stream_.get()), "the first inference");
}

/// An engine with parts that CUDA cannot record runs without a graph, and so does one whose graph computes something
/// else: an enqueue that does its work on another stream is recorded as an empty graph, without an error.
Status Execution::RecordGraph() {
  if (!Capture()) {
    cudaGetLastError();  // else the next launch would report it
    engine_->logger().TakeErrors();
    return Ok();
  }
  const Result<std::string> doubt = ProveGraph();
  if (!doubt.ok()) return doubt.error();
  if (doubt.value().empty()) return Ok();
  graph_.reset();
  engine_->logger().log(nvinfer1::ILogger::Severity::kWARNING,
                        ("the CUDA graph is not used: " + doubt.value()).c_str());
  return Ok();
}

bool Execution::Capture() {
  if (cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal) != cudaSuccess) return false;
  const bool enqueued = context_->enqueueV3(stream_.get());
  cudaGraph_t recorded = nullptr;
  const bool ended = cudaStreamEndCapture(stream_.get(), &recorded) == cudaSuccess;
  const cuda::Graph graph(recorded);
  cudaGraphExec_t executable = nullptr;
  if (!enqueued || !ended || recorded == nullptr) return false;
  if (cudaGraphInstantiateWithFlags(&executable, recorded, 0) != cudaSuccess) return false;
  graph_.reset(executable);
  return true;
}

/// Replays the graph once. Returns why it cannot be used, and nothing when the replay gives what the warm-up's plain
/// run left in the outputs.
Result<std::string> Execution::ProveGraph() {
  const Signature& signature = engine_->signature();
  const std::pair<const Tensor*, void*> outputs[] = {{&signature.detections, detections_.get()},
                                                     {&signature.proto, proto_.get()}};
  std::vector<std::vector<char>> plain;
  for (const auto& [tensor, memory] : outputs) {
    Result<std::vector<char>> bytes = ReadBack(memory, tensor->bytes);
    if (!bytes.ok()) return bytes.error();
    plain.push_back(std::move(bytes).value());
    const cudaError_t poisoned = cudaMemsetAsync(memory, kPoisonByte, tensor->bytes, stream_.get());
    if (Status s = Check(poisoned, "proving the graph"); !s.ok()) return s.error();
  }
  if (Status s = Check(cudaGraphLaunch(graph_.get(), stream_.get()), "replaying it"); !s.ok()) {
    if (s.error().code == ErrorCode::kEngineLost) return s.error();
    return s.error().message;
  }
  for (size_t i = 0; i < plain.size(); ++i) {
    const Result<std::vector<char>> replayed = ReadBack(outputs[i].second, outputs[i].first->bytes);
    if (!replayed.ok()) return replayed.error();
    if (!SameOutput(plain[i], replayed.value(), outputs[i].first->type)) {
      return std::string("a replay gives other results than the plain run");
    }
  }
  return std::string();
}

/// Device memory as it is once the stream has passed.
Result<std::vector<char>> Execution::ReadBack(const void* memory, size_t bytes) {
  std::vector<char> host(bytes);
  const cudaError_t copied = cudaMemcpyAsync(host.data(), memory, bytes, cudaMemcpyDeviceToHost, stream_.get());
  if (Status s = Check(copied, "reading the outputs"); !s.ok()) return s.error();
  if (Status s = Check(cudaStreamSynchronize(stream_.get()), "reading the outputs"); !s.ok()) return s.error();
  return host;
}

Status Execution::CopyFrame(const ImageView& image, cuda::LetterboxInput& input) {
  const PlaneLayout layout = LayoutOf(image.format, image.width);
  size_t starts[3] = {};
  size_t bytes = 0;
  for (size_t plane = 0; plane < static_cast<size_t>(layout.planes); ++plane) {
    starts[plane] = bytes;
    bytes += Aligned(static_cast<size_t>(layout.row_bytes[plane]) * RowsOf(image, plane));
  }
  if (frame_.bytes() < bytes) {
    if (Status s = Put(cuda::MappedMemory::Allocate(bytes), frame_); !s.ok()) return s;
  }
  for (size_t plane = 0; plane < static_cast<size_t>(layout.planes); ++plane) {
    const size_t row_bytes = static_cast<size_t>(layout.row_bytes[plane]);
    CopyPlane(image.planes[plane], static_cast<size_t>(image.strides[plane]), row_bytes, RowsOf(image, plane),
              frame_.host<uint8_t>() + starts[plane]);
    input.planes[plane] = frame_.device<uint8_t>() + starts[plane];
    input.strides[plane] = layout.row_bytes[plane];
  }
  return Ok();
}

Status Execution::LoadTaps(const Geometry& geometry) {
  const Geometry& have = taps_geometry_;
  if (have.frame_width == geometry.frame_width && have.frame_height == geometry.frame_height) return Ok();
  const std::vector<Tap> columns = MakeTaps(geometry.frame_width, geometry.content_width);
  const std::vector<Tap> rows = MakeTaps(geometry.frame_height, geometry.content_height);
  std::copy(columns.begin(), columns.end(), host_taps_.host<Tap>());
  std::copy(rows.begin(), rows.end(), host_taps_.host<Tap>() + geometry.input_width);
  if (Status copied = Check(cudaMemcpyAsync(taps_.get(), host_taps_.host<void>(), host_taps_.bytes(),
                                            cudaMemcpyHostToDevice, stream_.get()),
                            "loading the letterbox");
      !copied.ok()) {
    return copied;
  }
  taps_geometry_ = geometry;
  return Ok();
}

/// `on_gpu` is the frame by the GPU's addresses, or null: it is copied.
Status Execution::Letterbox(const ImageView& image, const ImageView* on_gpu, const Geometry& geometry) {
  cuda::LetterboxInput input{};
  if (on_gpu != nullptr) {
    std::copy(on_gpu->planes.begin(), on_gpu->planes.end(), input.planes);
    std::copy(on_gpu->strides.begin(), on_gpu->strides.end(), input.strides);
  } else if (Status copied = CopyFrame(image, input); !copied.ok()) {
    return copied;
  }
  if (Status loaded = LoadTaps(geometry); !loaded.ok()) return loaded;
  input.yuv = MakeYuvMatrix(image.matrix, image.range);
  input.columns = static_cast<const Tap*>(taps_.get());
  input.rows = input.columns + geometry.input_width;
  input.input_width = geometry.input_width;
  input.input_height = geometry.input_height;
  input.content_width = geometry.content_width;
  input.content_height = geometry.content_height;
  input.left = geometry.left;
  input.top = geometry.top;
  if (Status s = Check(cudaEventRecord(started_.get(), stream_.get()), "timing"); !s.ok()) return s;
  const cudaError_t launched =
      cuda::LaunchLetterbox(image.format, input, engine_->signature().input.type, input_.get(), stream_.get());
  if (Status s = Check(launched, "letterbox"); !s.ok()) return s;
  return Check(cudaEventRecord(letterboxed_.get(), stream_.get()), "timing");
}

Status Execution::Infer() {
  if (graph_ != nullptr) {
    if (Status s = Check(cudaGraphLaunch(graph_.get(), stream_.get()), "inference"); !s.ok()) return s;
  } else if (!context_->enqueueV3(stream_.get())) {
    // TensorRT only logs CUDA's error, which is what decides whether there is a next time. It can have a CUDA runtime
    // of its own, which keeps the error to itself; a lost device shows at the stream all the same.
    if (Status s = Check(cudaGetLastError(), "inference"); !s.ok()) return s;
    if (Status s = Check(cudaStreamSynchronize(stream_.get()), "inference"); !s.ok()) return s;
    return engine_->logger().Failure(ErrorCode::kEngineFailed, "inference failed");
  }
  return Check(cudaEventRecord(inferred_.get(), stream_.get()), "timing");
}

Status Execution::Select(float conf) {
  const Signature& signature = engine_->signature();
  const cuda::Selection selection{static_cast<uint32_t*>(selected_count_.get()),
                                  selected_.device<cuda::SelectedAnchor>()};
  const cudaError_t launched = cuda::LaunchSelect(signature.detections.type, detections_.get(), signature.anchors,
                                                  signature.classes, conf, selection, stream_.get());
  if (Status s = Check(launched, "selecting candidates"); !s.ok()) return s;
  if (Status s = Check(cudaMemcpyAsync(host_count_.host<void>(), selected_count_.get(), sizeof(uint32_t),
                                       cudaMemcpyDeviceToHost, stream_.get()),
                       "selecting candidates");
      !s.ok()) {
    return s;
  }
  return Check(cudaEventRecord(done_.get(), stream_.get()), "timing");
}

Status Execution::WaitFor(const cuda::Event& event, const char* what) {
  return Check(cudaEventSynchronize(event.get()), what);
}

Status Execution::PollFor(const cuda::Event& event, const char* what) {
  const Clock::time_point begin = Clock::now();
  bool polled = false;
  cudaError_t code = cudaEventQuery(event.get());
  for (; code == cudaErrorNotReady && Clock::now() - begin < kLongestPoll; code = cudaEventQuery(event.get())) {
    polled = true;
  }
  // Else the next launch would report that this was not ready.
  if (polled || code == cudaErrorNotReady) cudaGetLastError();
  return code == cudaErrorNotReady ? WaitFor(event, what) : Check(code, what);
}

Result<Segments> Execution::MasksOf(const std::vector<DetectedObject>& objects, const cuda::SelectedAnchor* selected,
                                    const Geometry& geometry) {
  const Signature& signature = engine_->signature();
  LogitRunWriter runs(geometry);
  Segments segments = NoSegments(geometry);
  for (size_t begin = 0; begin < objects.size();) {
    const cuda::LogitBatch batch =
        cuda::NextBatch(objects, begin, runs, selected, {logits_.bytes() / sizeof(float), kMaxRequests});
    std::copy(batch.requests.begin(), batch.requests.end(), requests_.host<cuda::LogitRequest>());
    const cudaError_t launched =
        cuda::LaunchMaskLogits(signature.proto.type, proto_.get(), geometry.input_width / 4, geometry.input_height / 4,
                               requests_.device<cuda::LogitRequest>(), static_cast<int>(batch.requests.size()),
                               batch.max_cells, logits_.device<float>(), stream_.get());
    if (Status s = Check(launched, "mask logits"); !s.ok()) return s.error();
    if (Status s = Check(cudaEventRecord(done_.get(), stream_.get()), "timing"); !s.ok()) return s.error();
    if (Status s = PollFor(done_, "mask logits"); !s.ok()) return s.error();
    cuda::AppendBatch(objects, batch, logits_.host<float>(), runs, segments);
    begin = batch.end;
  }
  return segments;
}

Result<Segments> Execution::Decode(const Geometry& geometry, const DecodeOptions& options) {
  const size_t anchors = static_cast<size_t>(engine_->signature().anchors);
  const size_t count = std::min<size_t>(*host_count_.host<uint32_t>(), anchors);
  auto* selected = selected_.host<cuda::SelectedAnchor>();
  std::vector<DetectedObject> objects = FindObjects(cuda::CandidatesOf(selected, count), geometry, options);
  std::vector<float> coefficients;
  if (options.coefficients) cuda::AppendCoefficients(objects, selected, coefficients);
  cuda::AppendCarried(options.carry, geometry, selected, count, objects);
  Result<Segments> segments = MasksOf(objects, selected, geometry);
  if (!segments.ok()) return segments;
  segments.value().coefficients = std::move(coefficients);
  cuda::TakeCarried(options.carry, geometry, segments.value());
  return segments;
}

Result<Segmented> Execution::Segment(const ImageView& image, const DecodeOptions& options, DevicePixels* device) {
  Result<Segmented> segmented = Run(image, options, device);
  // Work that was queued before the error may still read the frame, which now goes back to its camera.
  if (!segmented.ok() && device != nullptr) cudaStreamSynchronize(stream_.get());
  return segmented;
}

Result<Segmented> Execution::Run(const ImageView& image, const DecodeOptions& options, DevicePixels* device) {
  const Clock::time_point begin = Clock::now();
  const Signature& signature = engine_->signature();
  if (Status s = Validate(image); !s.ok()) return s.error();
  if (Status s = Validate(options); !s.ok()) return s.error();
  const Result<Geometry> geometry =
      MakeGeometry(image.width, image.height, signature.input_width, signature.input_height);
  if (!geometry.ok()) return geometry.error();

  std::optional<ImageView> on_gpu;
  std::string copied_because;
  if (device != nullptr) {
    const Result<ImageView> view = device->ForGpu(image);
    if (view.ok()) {
      on_gpu = view.value();
    } else {
      copied_because = view.error().message;
    }
  }
  if (Status s = Letterbox(image, on_gpu ? &*on_gpu : nullptr, geometry.value()); !s.ok()) return s.error();
  const double staged_ms = MsSince(begin);
  if (Status s = Infer(); !s.ok()) return s.error();
  if (Status s = Select(options.conf); !s.ok()) return s.error();
  if (Status s = WaitFor(done_, "inference"); !s.ok()) return s.error();
  const Result<float> letterbox_ms = cuda::ElapsedMs(started_, letterboxed_);
  if (!letterbox_ms.ok()) return letterbox_ms.error();
  const Result<float> infer_ms = cuda::ElapsedMs(letterboxed_, inferred_);
  if (!infer_ms.ok()) return infer_ms.error();

  Result<Segments> segments = Decode(geometry.value(), options);
  if (!segments.ok()) return segments.error();
  Timings timings;
  timings.preprocess = staged_ms + letterbox_ms.value();
  timings.infer = infer_ms.value();
  timings.decode = std::max(MsSince(begin) - timings.preprocess - timings.infer, 0.0);
  return Segmented{std::move(segments).value(), geometry.value(), timings, std::move(copied_because)};
}

Result<std::vector<float>> Execution::Measure(int runs) {
  std::vector<float> times;
  for (int run = 0; run < runs; ++run) {
    if (Status s = Check(cudaEventRecord(letterboxed_.get(), stream_.get()), "timing"); !s.ok()) return s.error();
    if (Status s = Infer(); !s.ok()) return s.error();
    if (Status s = WaitFor(inferred_, "inference"); !s.ok()) return s.error();
    const Result<float> ms = cuda::ElapsedMs(letterboxed_, inferred_);
    if (!ms.ok()) return ms.error();
    times.push_back(ms.value());
  }
  return times;
}

}  // namespace fastsamd::tensorrt
