#include "nvmm/surface.h"

#include <cstring>
#include <string>
#include <vector>

#include "core/color.h"

namespace fastsamd::nvmm {
namespace {

struct Format {
  PixelFormat pixels;
  /// V before U.
  bool swapped = false;
  std::optional<std::pair<ColorMatrix, ColorRange>> colors;
};

struct NamedFormat {
  uint32_t name;
  Format format;
};

using Colors = std::pair<ColorMatrix, ColorRange>;
constexpr Colors kFull601{ColorMatrix::kBt601, ColorRange::kFull};
constexpr Colors kLimited709{ColorMatrix::kBt709, ColorRange::kLimited};
constexpr Colors kFull709{ColorMatrix::kBt709, ColorRange::kFull};
constexpr Colors kLimited2020{ColorMatrix::kBt2020, ColorRange::kLimited};

/// What the letterbox reads.
constexpr NamedFormat kFormats[] = {
    {abi::kNv12, {PixelFormat::kNv12, false, std::nullopt}},
    {abi::kNv12Er, {PixelFormat::kNv12, false, kFull601}},
    {abi::kNv12Bt709, {PixelFormat::kNv12, false, kLimited709}},
    {abi::kNv12Bt709Er, {PixelFormat::kNv12, false, kFull709}},
    {abi::kNv12Bt2020, {PixelFormat::kNv12, false, kLimited2020}},
    {abi::kYuv420, {PixelFormat::kI420, false, std::nullopt}},
    {abi::kYvu420, {PixelFormat::kI420, true, std::nullopt}},
    {abi::kYuv420Er, {PixelFormat::kI420, false, kFull601}},
    {abi::kYvu420Er, {PixelFormat::kI420, true, kFull601}},
    {abi::kYuv420Bt709, {PixelFormat::kI420, false, kLimited709}},
    {abi::kYuv420Bt709Er, {PixelFormat::kI420, false, kFull709}},
    {abi::kYuv420Bt2020, {PixelFormat::kI420, false, kLimited2020}},
    {abi::kRgba, {PixelFormat::kRgba, false, std::nullopt}},
    {abi::kRgbx, {PixelFormat::kRgba, false, std::nullopt}},
};

std::optional<Format> FormatOf(uint32_t color_format) {
  for (const auto& [name, format] : kFormats) {
    if (name == color_format) return format;
  }
  return std::nullopt;
}

Error Unsupported(const std::string& what) {
  return {ErrorCode::kSourceUnsupported, "a frame in device memory " + what};
}

Error Refused(const std::string& what) {
  return {ErrorCode::kEngineFailed, "the GPU cannot read frames where they lie: " + what};
}

/// Where plane `k` of a view lies among the planes of a buffer.
size_t SourceOf(size_t k, bool swapped) { return swapped && k > 0 ? 3 - k : k; }

}  // namespace

Result<std::unique_ptr<Surface>> Surface::Map(void* surface, size_t bytes) {
  const Result<const SurfaceLibrary*> library = LoadSurfaceLibrary();
  if (!library.ok()) return library.error();
  auto* buffer = static_cast<abi::Surface*>(surface);
  if (buffer == nullptr || bytes < sizeof(abi::Surface) || buffer->batch_size < 1 || buffer->pictures == nullptr) {
    return Unsupported("is not described as libnvbufsurface does");
  }
  if (buffer->memory_type != abi::kSurfaceArray) {
    return Unsupported("is of memory type " + std::to_string(buffer->memory_type) +
                       ", which the processor cannot read");
  }
  std::unique_ptr<Surface> mapped(new Surface(*library.value(), buffer));
  if (Status done = mapped->MapForCpu(); !done.ok()) return done.error();
  return mapped;
}

Status Surface::MapForCpu() {
  abi::Params& picture = surface_->pictures[0];
  const std::optional<Format> format = FormatOf(picture.color_format);
  if (!format) return Unsupported("has the color format " + std::to_string(picture.color_format));
  if (picture.layout != abi::kPitchLinear) return Unsupported("is block linear, expected plain rows");
  if (picture.width < 1 || picture.height < 1 || picture.width > kMaxSide || picture.height > kMaxSide) {
    return Unsupported("has no usable size");
  }
  view_.format = format->pixels;
  view_.width = static_cast<int>(picture.width);
  view_.height = static_cast<int>(picture.height);
  const PlaneLayout layout = LayoutOf(view_.format, view_.width);
  const auto planes = static_cast<size_t>(layout.planes);
  if (picture.planes.planes < planes) return Unsupported("lacks planes of its format");
  if (library_.map(surface_, 0, -1, abi::kMapRead) != 0) return Unsupported("cannot be mapped for the processor");
  mapped_ = true;
  for (size_t k = 0; k < planes; ++k) {
    const size_t from = SourceOf(k, format->swapped);
    const uint32_t pitch = picture.planes.pitch[from];
    if (pitch < static_cast<uint32_t>(layout.row_bytes[k]) || pitch > static_cast<uint32_t>(kMaxStride) ||
        picture.mapped.planes[from] == nullptr) {
      return Unsupported("has rows that do not hold its pixels");
    }
    view_.planes[k] = static_cast<const uint8_t*>(picture.mapped.planes[from]);
    view_.strides[k] = static_cast<int>(pitch);
  }
  colors_ = format->colors;
  return Ok();
}

Surface::~Surface() {
  if (resource_ != nullptr) driver_->Unregister(resource_);
  if (has_egl_image_) library_.unmap_egl_image(surface_, 0);
  if (mapped_) library_.unmap(surface_, 0, -1);
}

Result<ImageView> Surface::ForCpu() {
  if (library_.sync_for_cpu(surface_, 0, -1) != 0) {
    return Error{ErrorCode::kSourceCorrupt, "a frame in device memory cannot be read by the processor"};
  }
  return view_;
}

Result<ImageView> Surface::ForGpu() {
  const std::lock_guard lock(mutex_);
  if (!gpu_) gpu_ = Register();
  return *gpu_;
}

Result<ImageView> Surface::Register() {
  const Result<const Driver*> driver = Driver::Load();
  if (!driver.ok()) return driver.error();
  abi::Params& picture = surface_->pictures[0];
  if (picture.mapped.egl_image == nullptr) {
    if (library_.map_egl_image(surface_, 0) != 0) return Refused("no EGL image of them can be made");
    has_egl_image_ = true;
  }
  if (picture.mapped.egl_image == nullptr) return Refused("their EGL image is missing");
  abi::EglFrame frame{};
  const Result<Driver::Resource> resource = driver.value()->Register(picture.mapped.egl_image, &frame);
  if (!resource.ok()) return resource.error();
  driver_ = driver.value();
  resource_ = resource.value();
  const auto planes = static_cast<size_t>(LayoutOf(view_.format, view_.width).planes);
  if (frame.frame_type != abi::kFrameOfRows) return Refused("CUDA sees arrays in place of rows");
  if (frame.plane_count < planes || frame.width != picture.width || frame.height != picture.height) {
    return Refused("CUDA sees another picture than the processor");
  }
  const bool swapped = FormatOf(picture.color_format)->swapped;
  ImageView gpu = view_;
  for (size_t k = 0; k < planes; ++k) {
    gpu.planes[k] = static_cast<const uint8_t*>(frame.planes[SourceOf(k, swapped)]);
    if (gpu.planes[k] == nullptr) return Refused("CUDA has no address of a plane");
  }
  if (Status proved = Prove(gpu); !proved.ok()) return proved.error();
  return gpu;
}

/// Both mappings are told by different libraries: a pitch or an offset that one of them has otherwise would be a
/// skewed picture, without an error.
Status Surface::Prove(const ImageView& gpu) const {
  const PlaneLayout layout = LayoutOf(view_.format, view_.width);
  std::vector<uint8_t> copy;
  for (size_t k = 0; k < static_cast<size_t>(layout.planes); ++k) {
    const auto stride = static_cast<size_t>(view_.strides[k]);
    const auto row_bytes = static_cast<size_t>(layout.row_bytes[k]);
    const size_t rows = RowsOf(view_, k);
    // The last row's padding may lie behind the end of the memory.
    copy.resize((rows - 1) * stride + row_bytes);
    if (Status read = driver_->Read(copy.data(), gpu.planes[k], copy.size()); !read.ok()) return read;
    for (size_t row = 0; row < rows; ++row) {
      if (std::memcmp(copy.data() + row * stride, view_.planes[k] + row * stride, row_bytes) != 0) {
        return Refused("it sees other pixels than the processor");
      }
    }
  }
  return Ok();
}

}  // namespace fastsamd::nvmm
