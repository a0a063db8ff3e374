#include "dense_masks.h"

#include <algorithm>
#include <cmath>

namespace fastsamd::test {
namespace {

struct Sample {
  int low;
  int high;
  float fraction;
};

Sample SampleAt(int pixel, int frame, int content, int pad) {
  int first = static_cast<int>(std::ceil(pad / 4.0));
  int last = static_cast<int>(std::floor((pad + content) / 4.0)) - 1;
  if (first > last) first = last = (pad + content / 2) / 4;
  const double u = std::clamp(((pixel + 0.5) * content / frame + pad) / 4 - 0.5, static_cast<double>(first),
                              static_cast<double>(last));
  const int low = static_cast<int>(std::floor(u));
  const float fraction = static_cast<float>(u - low);
  if (fraction == 1.0F) return {low + 1, std::min(low + 2, last), 0.0F};
  return {low, std::min(low + 1, last), fraction};
}

}  // namespace

std::vector<bool> DenseMask(const float* proto, const Geometry& g, const float* coefficients, const float* box) {
  const int width = g.input_width / 4;
  const int height = g.input_height / 4;
  std::vector<float> logits(static_cast<size_t>(width) * static_cast<size_t>(height));
  for (size_t cell = 0; cell < logits.size(); ++cell) {
    float sum = 0.0F;
    for (size_t k = 0; k < kMaskChannels; ++k) sum += coefficients[k] * proto[k * logits.size() + cell];
    logits[cell] = sum;
  }
  const auto logit = [&](int x, int y) {
    return logits[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  };
  std::vector<bool> mask(static_cast<size_t>(g.frame_width) * static_cast<size_t>(g.frame_height));
  for (int x = 0; x < g.frame_width; ++x) {
    if (!(box[0] <= static_cast<float>(x) && static_cast<float>(x) < box[2])) continue;
    const Sample column = SampleAt(x, g.frame_width, g.content_width, g.left);
    for (int y = 0; y < g.frame_height; ++y) {
      if (!(box[1] <= static_cast<float>(y) && static_cast<float>(y) < box[3])) continue;
      const Sample row = SampleAt(y, g.frame_height, g.content_height, g.top);
      const auto across = [&](int r) {
        return logit(column.low, r) + column.fraction * (logit(column.high, r) - logit(column.low, r));
      };
      const float upper = across(row.low);
      const float value = upper + row.fraction * (across(row.high) - upper);
      mask[static_cast<size_t>(x) * static_cast<size_t>(g.frame_height) + static_cast<size_t>(y)] = value > 0.0F;
    }
  }
  return mask;
}

std::vector<bool> BitmapOf(const Run* runs, size_t count, size_t pixels) {
  std::vector<bool> bitmap(pixels);
  for (size_t i = 0; i < count; ++i) {
    for (uint32_t p = runs[i].start; p < runs[i].end; ++p) bitmap.at(p) = true;
  }
  return bitmap;
}

Runs RunsOf(const std::vector<bool>& bitmap) {
  Runs runs;
  for (size_t p = 0; p < bitmap.size(); ++p) {
    if (!bitmap[p]) continue;
    if (!runs.empty() && runs.back().end == p) {
      ++runs.back().end;
    } else {
      runs.push_back({static_cast<uint32_t>(p), static_cast<uint32_t>(p + 1)});
    }
  }
  return runs;
}

}  // namespace fastsamd::test
