#include "standin/playback.h"

#include <array>
#include <cstring>

namespace fastsamd::standin {
namespace {

/// Reads numbers and blocks; once past the end it stays there.
class Reader {
 public:
  Reader(const char* bytes, size_t size) : bytes_(bytes), size_(size) {}

  uint32_t Number() {
    uint32_t value = 0;
    const size_t at = Block(4);
    if (good_) std::memcpy(&value, bytes_ + at, 4);
    return value;
  }
  /// The offset of the next `size` bytes.
  size_t Block(size_t size) {
    const size_t at = at_;
    good_ = good_ && size <= size_ - at_;
    if (good_) at_ += size;
    return at;
  }
  bool good() const { return good_; }
  bool at_end() const { return good_ && at_ == size_; }

 private:
  const char* bytes_;
  size_t size_;
  size_t at_ = 0;
  bool good_ = true;
};

}  // namespace

bool Parse(const void* data, size_t size, Playback& playback) {
  const char* bytes = static_cast<const char*>(data);
  playback.bytes.assign(bytes, bytes + size);
  Reader in(bytes, size);
  if (size < 8 || std::memcmp(bytes + in.Block(4), "FSPB", 4) != 0 || in.Number() != size) return false;
  playback.tensorrt_version = in.Number();
  playback.input_type = static_cast<int>(in.Number());
  playback.height = static_cast<int>(in.Number());
  playback.width = static_cast<int>(in.Number());
  const uint32_t outputs = in.Number();
  for (uint32_t i = 0; i < outputs && in.good(); ++i) {
    Playback::Output output{};
    const size_t length = in.Number();
    const size_t name = in.Block((length + 3) / 4 * 4);
    if (!in.good()) return false;
    output.name.assign(bytes + name, length);
    output.type = static_cast<int>(in.Number());
    output.bytes = output.type == 1 ? 2 : 4;
    const uint32_t dims = in.Number();
    for (uint32_t d = 0; d < dims && in.good(); ++d) {
      output.dims.push_back(static_cast<int>(in.Number()));
      // An open size takes no room: it is there to be refused.
      if (output.dims.back() > 0) output.bytes *= static_cast<size_t>(output.dims.back());
    }
    playback.outputs.push_back(output);
  }
  const uint32_t recordings = in.Number();
  for (uint32_t i = 0; i < recordings && in.good(); ++i) {
    Playback::Recording recording{};
    recording.any_input = in.Number() == 1;
    recording.input_crc = in.Number();
    for (const auto& output : playback.outputs) recording.offsets.push_back(in.Block(output.bytes));
    playback.recordings.push_back(recording);
  }
  return in.at_end();
}

uint32_t Crc32(const void* data, size_t size) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1U) != 0 ? 0xedb88320U : 0U);
      made[i] = value;
    }
    return made;
  }();
  uint32_t crc = ~0U;
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xffU];
  return ~crc;
}

}  // namespace fastsamd::standin
