#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fastsamd::standin {

/// The stand-in's "plan": the inputs and outputs of a network, and recorded outputs to play back. Little-endian 32 bit
/// numbers:
///   "FSPB", bytes of the whole, TensorRT version (0: any), type of the input, height, width,
///   number of outputs, for each: length of its name, name padded to 4 bytes, type, number of dims, dims;
///   number of recordings, for each: 1 for any input or 0, CRC-32 of the input it belongs to, the outputs' bytes.
/// Types: 0 float, 1 half. An input without a recording is one that the letterbox got wrong.
struct Playback {
  struct Output {
    std::string name;
    int type;
    std::vector<int> dims;
    size_t bytes;
  };
  struct Recording {
    bool any_input;
    uint32_t input_crc;
    /// One per output, into `bytes`.
    std::vector<size_t> offsets;
  };

  uint32_t tensorrt_version = 0;
  int input_type = 0;
  int height = 0;
  int width = 0;
  std::vector<Output> outputs;
  std::vector<Recording> recordings;
  std::vector<char> bytes;

  size_t input_bytes() const { return size_t{3} * static_cast<size_t>(height * width) * (input_type == 1 ? 2 : 4); }
};

/// False when the bytes are no whole playback.
bool Parse(const void* bytes, size_t size, Playback& playback);

uint32_t Crc32(const void* bytes, size_t size);

}  // namespace fastsamd::standin
