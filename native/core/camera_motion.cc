#include "core/camera_motion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/lucas_kanade.h"
#include "core/phase_correlation.h"
#include "core/random.h"

namespace fastsamd {
namespace {

/// Pixels a line of the reduced picture, about.
constexpr int kReducedWidth = 240;
constexpr int kLevels = 3;
/// A reduced picture must be this large for its coarsest level to say something.
constexpr int kLeastSide = 32;
constexpr int kGridColumns = 20;
constexpr int kGridRows = 10;
/// Least smaller eigenvalue of a window's gradients, a pixel: below it the window has no corner.
constexpr float kLeastTexture = 4.0F;
constexpr int kSamples = 120;
/// Distance from the model, in pixels of the reduced picture, within which a point agrees.
constexpr double kAgree = 0.4;
constexpr int kLeastInliers = 20;
constexpr double kLeastShare = 0.3;
/// A side of the picture is this share of its width or height, which holds 40 of the 200 points...
constexpr double kSideShare = 0.2;
/// ...and tells its motion by this many of them at least.
constexpr int kLeastOfSide = 3;

/// How the luma of a pixel is made of its bytes, in 256ths.
struct LumaWeights {
  int bytes = 1;
  std::array<int, 3> of{256, 0, 0};
};

LumaWeights WeightsOf(PixelFormat format) {
  switch (format) {
    case PixelFormat::kNv12:
    case PixelFormat::kI420:
      break;
    case PixelFormat::kRgba:
      return {4, {77, 150, 29}};
    case PixelFormat::kRgb:
      return {3, {77, 150, 29}};
    case PixelFormat::kBgr:
      return {3, {29, 150, 77}};
  }
  return {};
}

GreyImage Halve(const GreyImage& image) {
  GreyImage half;
  half.width = image.width / 2;
  half.height = image.height / 2;
  half.pixels.resize(static_cast<size_t>(half.width) * static_cast<size_t>(half.height));
  float* out = half.pixels.data();
  for (int y = 0; y < half.height; ++y) {
    for (int x = 0; x < half.width; ++x) {
      *out++ = (image.At(2 * x, 2 * y) + image.At(2 * x + 1, 2 * y) + image.At(2 * x, 2 * y + 1) +
                image.At(2 * x + 1, 2 * y + 1)) /
               4.0F;
    }
  }
  return half;
}

/// Smaller eigenvalue of the gradients around a pixel, a pixel of the window.
float Texture(const GreyImage& image, int x, int y) {
  float xx = 0.0F;
  float xy = 0.0F;
  float yy = 0.0F;
  constexpr int kReach = 3;
  for (int v = y - kReach; v <= y + kReach; ++v) {
    for (int u = x - kReach; u <= x + kReach; ++u) {
      const float gx = (image.At(u + 1, v) - image.At(u - 1, v)) / 2.0F;
      const float gy = (image.At(u, v + 1) - image.At(u, v - 1)) / 2.0F;
      xx += gx * gx;
      xy += gx * gy;
      yy += gy * gy;
    }
  }
  const float half = (xx + yy) / 2.0F;
  const float root = std::sqrt((xx - yy) * (xx - yy) / 4.0F + xy * xy);
  return (half - root) / static_cast<float>((2 * kReach + 1) * (2 * kReach + 1));
}

/// x' = a * x - b * y + dx, y' = b * x + a * y + dy.
struct Similarity {
  double a = 1.0;
  double b = 0.0;
  double dx = 0.0;
  double dy = 0.0;
};

}  // namespace

void CameraMotionEstimator::Reset() {
  before_.clear();
  width_ = 0;
  height_ = 0;
}

CameraMotion CameraMotionEstimator::Next(const ImageView& image) {
  if (image.width != width_ || image.height != height_) {
    Reset();
    width_ = image.width;
    height_ = image.height;
    factor_ = std::clamp((std::max(width_, height_) + kReducedWidth / 2) / kReducedWidth, 1, std::min(width_, height_));
  }
  Reduce(image, now_);
  CameraMotion found;
  if (!before_.empty() && std::min(now_[0].width, now_[0].height) < kLeastSide) {
    found.sure = false;
  } else if (!before_.empty()) {
    PickPoints();
    FollowPoints(0.0, 0.0);
    if (!Fit(found)) {
      const Shift guess = PhaseShift(before_[0], now_[0]);
      FollowPoints(guess.x, guess.y);
      found.sure = Fit(found);
    }
  }
  std::swap(before_, now_);
  return found;
}

/// Means of factor_ columns by up to two rows, then halved from level to level.
void CameraMotionEstimator::Reduce(const ImageView& image, std::vector<GreyImage>& levels) {
  levels.resize(kLevels);
  GreyImage& base = levels[0];
  base.width = std::max(1, width_ / factor_);
  base.height = std::max(1, height_ / factor_);
  base.pixels.resize(static_cast<size_t>(base.width) * static_cast<size_t>(base.height));
  // Every row counts: of some rows alone, hard edges move by whole rows, which shows as a motion that is not there.
  // The bytes of a column are added over the rows first, without regard to their channel. At most 137 rows: the sums
  // fit 16 bits.
  const LumaWeights weights = WeightsOf(image.format);
  const auto bytes = static_cast<size_t>(weights.bytes);
  const size_t row_bytes = bytes * static_cast<size_t>(base.width) * static_cast<size_t>(factor_);
  sums_.resize(row_bytes + 2);
  const float all = 256.0F * static_cast<float>(factor_) * static_cast<float>(factor_);
  float* out = base.pixels.data();
  for (int y = 0; y < base.height; ++y) {
    std::fill(sums_.begin(), sums_.end(), uint16_t{0});
    uint16_t* sums = sums_.data();
    for (int row = 0; row < factor_; ++row) {
      const uint8_t* in = image.planes[0] + static_cast<ptrdiff_t>(y * factor_ + row) * image.strides[0];
      for (size_t i = 0; i < row_bytes; ++i) sums[i] = static_cast<uint16_t>(sums[i] + in[i]);
    }
    for (int x = 0; x < base.width; ++x) {
      uint32_t sum = 0;
      for (int k = 0; k < factor_; ++k, sums += bytes) {
        sum += static_cast<uint32_t>(weights.of[0] * sums[0] + weights.of[1] * sums[1] + weights.of[2] * sums[2]);
      }
      *out++ = static_cast<float>(sum) / all;
    }
  }
  for (size_t level = 1; level < kLevels; ++level) {
    const GreyImage& finer = levels[level - 1];
    levels[level] = finer.width >= 4 && finer.height >= 4 ? Halve(finer) : finer;
  }
}

/// The most textured pixel of each cell of a grid, of a few that are tried.
void CameraMotionEstimator::PickPoints() {
  const GreyImage& image = before_[0];
  points_.clear();
  constexpr int kBorder = 5;
  constexpr int kStep = 4;
  for (int row = 0; row < kGridRows; ++row) {
    for (int column = 0; column < kGridColumns; ++column) {
      const int x0 = std::max(column * image.width / kGridColumns, kBorder);
      const int x1 = std::min((column + 1) * image.width / kGridColumns, image.width - kBorder);
      const int y0 = std::max(row * image.height / kGridRows, kBorder);
      const int y1 = std::min((row + 1) * image.height / kGridRows, image.height - kBorder);
      float best = kLeastTexture;
      Follow point{-1.0, 0.0, 0.0, 0.0};
      for (int y = y0; y < y1; y += kStep) {
        for (int x = x0; x < x1; x += kStep) {
          const float texture = Texture(image, x, y);
          if (texture <= best) continue;
          best = texture;
          point.x0 = x;
          point.y0 = y;
        }
      }
      if (point.x0 >= 0.0) points_.push_back(point);
    }
  }
}

void CameraMotionEstimator::FollowPoints(double guess_x, double guess_y) {
  followed_.clear();
  for (const Follow& point : points_) {
    const auto scale_of = [](size_t level) { return static_cast<float>(1 << level); };
    float dx = static_cast<float>(guess_x);
    float dy = static_cast<float>(guess_y);
    bool good = true;
    for (size_t level = kLevels; level-- > 0 && good;) {
      // A pixel of a coarser level lies between those it is the mean of.
      const float scale = scale_of(level);
      const float x0 = (static_cast<float>(point.x0) + 0.5F) / scale - 0.5F;
      const float y0 = (static_cast<float>(point.y0) + 0.5F) / scale - 0.5F;
      float x1 = x0 + dx / scale;
      float y1 = y0 + dy / scale;
      good = FollowWindow(before_[level], now_[level], x0, y0, x1, y1, level == 0);
      dx = (x1 - x0) * scale;
      dy = (y1 - y0) * scale;
    }
    if (good) followed_.push_back({point.x0, point.y0, point.x0 + dx, point.y0 + dy});
  }
}

bool CameraMotionEstimator::Fit(CameraMotion& found) {
  found.points = static_cast<int>(followed_.size());
  found.inliers = 0;
  if (followed_.size() < 2) return false;
  const auto square_error = [](const Similarity& s, const Follow& f) {
    const double x = s.a * f.x0 - s.b * f.y0 + s.dx - f.x1;
    const double y = s.b * f.x0 + s.a * f.y0 + s.dy - f.y1;
    return x * x + y * y;
  };
  const auto count = [&](const Similarity& s) {
    return std::count_if(followed_.begin(), followed_.end(),
                         [&](const Follow& f) { return square_error(s, f) <= kAgree * kAgree; });
  };
  Random random(followed_.size());
  Similarity best;
  auto most = count(best);
  for (int sample = 0; sample < kSamples; ++sample) {
    const Follow& p = followed_[static_cast<size_t>(random.Below(found.points))];
    const Follow& q = followed_[static_cast<size_t>(random.Below(found.points))];
    const double ux = q.x0 - p.x0;
    const double uy = q.y0 - p.y0;
    const double length = ux * ux + uy * uy;
    if (length < 100.0) continue;
    const double vx = q.x1 - p.x1;
    const double vy = q.y1 - p.y1;
    Similarity s;
    s.a = (ux * vx + uy * vy) / length;
    s.b = (ux * vy - uy * vx) / length;
    s.dx = p.x1 - s.a * p.x0 + s.b * p.y0;
    s.dy = p.y1 - s.b * p.x0 - s.a * p.y0;
    const auto agree = count(s);
    if (agree > most) {
      most = agree;
      best = s;
    }
  }
  // Least squares over those that agree, twice, as the first round brings more of them in.
  for (int round = 0; round < 2; ++round) {
    double n = 0.0;
    double sx = 0.0;
    double sy = 0.0;
    double tx = 0.0;
    double ty = 0.0;
    for (const Follow& f : followed_) {
      if (square_error(best, f) > kAgree * kAgree) continue;
      n += 1.0;
      sx += f.x0;
      sy += f.y0;
      tx += f.x1;
      ty += f.y1;
    }
    if (n < 2.0) return false;
    double along = 0.0;
    double across = 0.0;
    double square = 0.0;
    for (const Follow& f : followed_) {
      if (square_error(best, f) > kAgree * kAgree) continue;
      const double ux = f.x0 - sx / n;
      const double uy = f.y0 - sy / n;
      const double vx = f.x1 - tx / n;
      const double vy = f.y1 - ty / n;
      along += ux * vx + uy * vy;
      across += ux * vy - uy * vx;
      square += ux * ux + uy * uy;
    }
    if (square < 1.0) return false;
    best.a = along / square;
    best.b = across / square;
    best.dx = (tx - best.a * sx + best.b * sy) / n;
    best.dy = (ty - best.b * sx - best.a * sy) / n;
  }
  found.inliers = static_cast<int>(count(best));
  if (found.inliers < kLeastInliers || found.inliers < kLeastShare * found.points) return false;
  found.sides = SidesThat([&](const Follow& point) { return square_error(best, point) <= kAgree * kAgree; });
  // From the centres of reduced pixels to the corners of the frame's.
  const double f = factor_;
  found.motion = {best.a, -best.b, f * (best.dx + 0.5 - 0.5 * best.a + 0.5 * best.b),
                  best.b, best.a,  f * (best.dy + 0.5 - 0.5 * best.b - 0.5 * best.a)};
  return true;
}

/// On how many sides of the picture most points that could be followed agree.
template <typename Agrees>
int CameraMotionEstimator::SidesThat(const Agrees& agrees) const {
  const double width = before_[0].width;
  const double height = before_[0].height;
  std::array<int, 4> points{};
  std::array<int, 4> agreeing{};
  for (const Follow& point : followed_) {
    const std::array<bool, 4> at = {point.x0 < kSideShare * width, point.x0 >= (1.0 - kSideShare) * width,
                                    point.y0 < kSideShare * height, point.y0 >= (1.0 - kSideShare) * height};
    for (size_t side = 0; side < at.size(); ++side) {
      if (!at[side]) continue;
      ++points[side];
      if (agrees(point)) ++agreeing[side];
    }
  }
  int sides = 0;
  for (size_t side = 0; side < points.size(); ++side) {
    if (points[side] >= kLeastOfSide && 2 * agreeing[side] > points[side]) ++sides;
  }
  return sides;
}

}  // namespace fastsamd
