// `make bench-measure`: how far measures of drawn parts are from the truth, and what they cost. Prints the tables of
// docs/inspection.md.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <vector>

#include "drawn_part.h"
#include "errors.h"
#include "measure/measure.h"
#include "measure/refine.h"

namespace fastsamd {
namespace {

constexpr int kPlaces = 1000;
constexpr double kReach = 4;
constexpr double kMinHole = 16;

struct Row {
  Errors size_mask, size, place, circularity, uncertainty;
  int refused = 0;
};

/// What the pictures of a row are like: all noises and grounds, or noise 3 on a plain ground.
enum class Pictures { kMixed, kUsual };

/// Every blur, noise and slope of the ground at every contrast and size.
DrawnPart RandomPart(DrawnPart part, int place, int side, Pictures pictures, Random& random) {
  const double blurs[] = {0.5, 1, 1.5};
  const double noises[] = {0, 3, 6};
  const double slopes[] = {0, 20, 40};
  part.blur = blurs[place % 3];
  part.noise = pictures == Pictures::kMixed ? noises[place / 3 % 3] : 3;
  part.gradient = pictures == Pictures::kMixed ? slopes[place / 9 % 3] : 0;
  part.degrees = random.Between(-90, 90);
  part.x = side / 2.0 + random.Between(-0.5, 0.5);
  part.y = side / 2.0 + random.Between(-0.5, 0.5);
  return part;
}

Row Measured(const DrawnPart& kind, Pictures pictures, Random& random) {
  const bool disc = kind.shape == DrawnPart::Shape::kDisc;
  const double extent = disc ? 2 * kind.radius : std::hypot(kind.length, kind.width);
  const int side = static_cast<int>(extent) + 24;
  const Measure size = disc ? Measure::kDiameter : Measure::kWidth;
  const double truth = disc ? 2 * kind.radius : kind.width;
  Row row;
  for (int place = 0; place < kPlaces; ++place) {
    const DrawnPart part = RandomPart(kind, place, side, pictures, random);
    const DrawnPicture picture = DrawPart(part, side, random);
    const auto mask = MeasureMask(picture.mask.data(), picture.mask.size(), side, side, kMinHole);
    if (!mask.ok()) std::abort();
    row.size_mask.Add(mask.value().measures[size] - truth);
    const RefinedShape shape = RefineShape(picture.View(), mask.value(), kReach);
    if (!shape.refined || std::isnan(shape.uncertainties[size])) {
      row.refused += 1;
      continue;
    }
    row.size.Add(shape.measures[size] - truth);
    row.uncertainty.Add(shape.uncertainties[size]);
    row.place.Add(shape.measures[Measure::kX] - part.x);
    row.place.Add(shape.measures[Measure::kY] - part.y);
    row.circularity.Add(shape.measures[Measure::kCircularity]);
  }
  return row;
}

/// One table: every part at these contrasts.
void Accuracy(const std::vector<double>& contrasts, Pictures pictures, Random& random) {
  std::printf(
      "| part | contrast | mask: bias, sd | refined: bias, sd | stated u | centre sd | circularity | refused |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
  const auto print = [&](const char* name, DrawnPart part) {
    for (const double contrast : contrasts) {
      part.contrast = contrast;
      const Row row = Measured(part, pictures, random);
      std::printf("| %s | %.0f | %+.2f, %.2f | %+.3f, %.3f | %.3f | %.3f | %.3f ± %.3f | %d |\n", name, contrast,
                  row.size_mask.Mean(), row.size_mask.Deviation(), row.size.Mean(), row.size.Deviation(),
                  row.uncertainty.Mean(), row.place.Deviation(), row.circularity.Mean(), row.circularity.Deviation(),
                  row.refused);
      std::fflush(stdout);
    }
  };
  DrawnPart disc;
  for (const double radius : {8.0, 20.0, 60.0}) {
    disc.radius = radius;
    char name[64];
    std::snprintf(name, sizeof name, "disc, radius %.0f: diameter", radius);
    print(name, disc);
  }
  DrawnPart rectangle;
  rectangle.shape = DrawnPart::Shape::kRectangle;
  rectangle.length = rectangle.width = 50.37;
  print("square, side 50.37: width", rectangle);
  rectangle.length = 120.7;
  rectangle.width = 40.23;
  print("rectangle, 120.70 x 40.23: width", rectangle);
}

void MaskCircularity() {
  std::printf("\n| disc, mask alone | circularity | perimeter / truth |\n|---|---|---|\n");
  Random random(1);
  for (const double radius : {8.0, 12.0, 20.0, 60.0, 128.0}) {
    Errors circularity;
    Errors perimeter;
    const int side = static_cast<int>(2 * radius) + 8;
    for (int place = 0; place < kPlaces; ++place) {
      const double cx = side / 2.0 + random.Next();
      const double cy = side / 2.0 + random.Next();
      std::vector<Run> runs;
      for (int x = 0; x < side; ++x) {
        const double half = radius * radius - (x + 0.5 - cx) * (x + 0.5 - cx);
        if (half <= 0) continue;
        const auto first = static_cast<uint32_t>(std::ceil(cy - std::sqrt(half) - 0.5));
        const auto last = static_cast<uint32_t>(std::floor(cy + std::sqrt(half) - 0.5));
        const auto column = static_cast<uint32_t>(x * side);
        if (last >= first) runs.push_back({column + first, column + last + 1});
      }
      const auto mask = MeasureMask(runs.data(), runs.size(), side, side, kMinHole);
      if (!mask.ok()) std::abort();
      circularity.Add(mask.value().measures[Measure::kCircularity]);
      perimeter.Add(mask.value().measures[Measure::kPerimeter] / (2 * 3.14159265358979 * radius));
    }
    std::printf("| radius %.0f | %.4f ± %.4f | %.4f ± %.4f |\n", radius, circularity.Mean(), circularity.Deviation(),
                perimeter.Mean(), perimeter.Deviation());
  }
}

/// Time that this thread has had a processor: others may need it, too.
double ProcessorMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

template <typename Work>
double MedianMs(Work work) {
  std::vector<double> times;
  for (int round = 0; round < 31; ++round) {
    const double begin = ProcessorMs();
    work();
    times.push_back(ProcessorMs() - begin);
  }
  std::nth_element(times.begin(), times.begin() + 15, times.end());
  return times[15];
}

/// 50 parts of radius 60 on one core.
void Cost() {
  Random random(2);
  DrawnPart part;
  part.radius = 60;
  std::vector<DrawnPicture> pictures;
  for (int k = 0; k < 50; ++k)
    pictures.push_back(DrawPart(RandomPart(part, k, 144, Pictures::kMixed, random), 144, random));
  const auto measure = [](const DrawnPicture& picture, const MeasureGroups& groups = {}) {
    auto mask = MeasureMask(picture.mask.data(), picture.mask.size(), picture.side, picture.side, kMinHole, groups);
    return std::move(mask).value();
  };
  std::vector<MaskShape> shapes;
  for (const DrawnPicture& picture : pictures) shapes.push_back(measure(picture));
  double areas = 0;
  // One after another, as the addon measures them: none is kept.
  const double masks = MedianMs([&] {
    for (const DrawnPicture& picture : pictures) areas += measure(picture).measures[Measure::kArea];
  });
  const MeasureGroups no_circle{true, false};
  const double without = MedianMs([&] {
    for (const DrawnPicture& picture : pictures) areas += measure(picture, no_circle).measures[Measure::kArea];
  });
  const auto known = [](const MaskShape& shape) {
    return std::count_if(std::begin(shape.measures.values), std::end(shape.measures.values),
                         [](double value) { return !std::isnan(value); });
  };
  const auto fitted = known(shapes[0]) - known(measure(pictures[0], no_circle));
  double sum = 0;
  Refiner refiner;
  const double refined = MedianMs([&] {
    for (size_t k = 0; k < pictures.size(); ++k) sum += refiner.Refine(pictures[k].View(), shapes[k], kReach).weak;
  });
  std::printf(
      "\n50 discs of radius 60, one core, median of 31, processor time: %zu measures from the masks %.2f ms, the %zu "
      "without a fitted circle %.2f; refined %.3f ms per object%s\n",
      kMeasures, masks, kMeasures - static_cast<size_t>(fitted), without, refined / 50,
      sum < 0 || areas < 0 ? "!" : "");
}

}  // namespace
}  // namespace fastsamd

/// "cost" alone measures no accuracy.
int main(int count, char** words) {
  if (count > 1 && std::strcmp(words[1], "cost") == 0) {
    fastsamd::Cost();
    return 0;
  }
  fastsamd::Random random(20261127);
  fastsamd::Accuracy({40, 90, 150}, fastsamd::Pictures::kMixed, random);
  std::printf("\nNoise 3, plain ground:\n\n");
  fastsamd::Accuracy({90}, fastsamd::Pictures::kUsual, random);
  fastsamd::MaskCircularity();
  fastsamd::Cost();
}
