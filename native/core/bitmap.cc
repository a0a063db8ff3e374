#include "core/bitmap.h"

#include <cstring>
#include <string>

#include "core/mask_window.h"

namespace fastsamd {

Status MaskBitmap(const Segments& segments, size_t index, uint8_t* out) {
  if (Status valid = Validate(segments); !valid.ok()) return valid;
  if (index >= segments.count()) {
    return Error{ErrorCode::kMisuse, "expected the index of one of " + std::to_string(segments.count()) +
                                         " objects, got " + std::to_string(index)};
  }
  const size_t width = static_cast<size_t>(segments.width);
  const size_t height = static_cast<size_t>(segments.height);
  std::memset(out, 0, width * height);
  const Run* runs = segments.runs.data() + segments.offsets[index];
  const size_t count = segments.offsets[index + 1] - segments.offsets[index];
  if (count == 0) return Ok();

  MaskWindow window(segments.height);
  const int last_column = static_cast<int>((runs[count - 1].end - 1) / height);
  for (int x0 = static_cast<int>(runs[0].start / height); x0 <= last_column; x0 += MaskWindow::kColumns) {
    window.Load(runs, count, x0);
    for (int y = 0; y < segments.height; ++y) {
      uint8_t* row = out + static_cast<size_t>(y) * width + static_cast<size_t>(x0);
      ForEachBitRun(window.Row(y),
                    [&](int first, int length) { std::memset(row + first, 255, static_cast<size_t>(length)); });
    }
  }
  return Ok();
}

}  // namespace fastsamd
