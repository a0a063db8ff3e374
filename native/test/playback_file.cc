#include "playback_file.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace fastsamd::test {
namespace {

class Writer {
 public:
  void Number(uint32_t value) {
    const auto* bytes = reinterpret_cast<const char*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + 4);
  }
  void Text(const std::string& text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
  }
  void Values(const std::vector<float>& values, cuda::ElementType type) {
    for (const float value : values) {
      const cuda::Half half = cuda::ToHalf(value);
      const auto* bytes = type == cuda::ElementType::kHalf ? reinterpret_cast<const char*>(&half)
                                                           : reinterpret_cast<const char*>(&value);
      bytes_.insert(bytes_.end(), bytes, bytes + cuda::SizeOf(type));
    }
  }
  std::vector<char> Finish() {
    const auto size = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data() + 4, &size, 4);
    return std::move(bytes_);
  }

 private:
  std::vector<char> bytes_;
};

}  // namespace

std::vector<char> PlaybackOf(const Scene& scene, const PlaybackOptions& options) {
  return PlaybackOf(std::vector<RecordedScene>{{scene, std::nullopt}}, options);
}

std::vector<char> PlaybackOf(const std::vector<RecordedScene>& recordings, const PlaybackOptions& options) {
  const Scene& scene = recordings.front().scene;
  const auto number = [](int value) { return static_cast<uint32_t>(value); };
  const Geometry& g = scene.geometry;
  const uint32_t type = options.type == cuda::ElementType::kHalf ? 1 : 0;
  Writer out;
  out.Text("FSPB");
  for (const uint32_t value : {0U, options.tensorrt_version, type, number(g.input_height), number(g.input_width)}) {
    out.Number(value);
  }
  out.Number(options.extra_output ? 3 : 2);
  const auto output = [&](const std::string& name, const std::vector<int>& dims) {
    out.Number(static_cast<uint32_t>(name.size()));
    out.Text(name);
    out.Number(type);
    out.Number(static_cast<uint32_t>(dims.size()));
    for (const int side : dims) out.Number(number(side));
  };
  // Proto masks first: outputs are known by their shape.
  if (options.extra_output) output("raw", {1, 64, 2});
  output("proto", {1, 32, g.input_height / 4, g.input_width / 4});
  output("detections", {1, 36 + scene.classes, options.last_dim == 0 ? scene.anchors : options.last_dim});
  out.Number(static_cast<uint32_t>(recordings.size()));
  for (const RecordedScene& recorded : recordings) {
    out.Number(recorded.input_hash ? 0 : 1);
    out.Number(recorded.input_hash.value_or(0));
    if (options.extra_output) out.Values(std::vector<float>(128), options.type);
    out.Values(recorded.scene.proto, options.type);
    std::vector<float> detections = recorded.scene.detections;
    if (options.last_dim != 0) {
      detections.resize(static_cast<size_t>(36 + scene.classes) * static_cast<size_t>(std::max(options.last_dim, 1)));
    }
    out.Values(detections, options.type);
  }
  return out.Finish();
}

std::string WriteFile(const std::string& name, const std::vector<char>& bytes) {
  const std::string path = std::filesystem::temp_directory_path() / ("fastsamd-" + name);
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path;
}

}  // namespace fastsamd::test
