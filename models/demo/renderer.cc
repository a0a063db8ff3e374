// The conveyor scene for Python: build-renderer.sh builds this file and native/scenes into one shared library.

#include <cstring>

#include "scenes/conveyor.h"

extern "C" {

/// `labels`: width * height; `table`: 8 numbers for each of `room` instances: id, class, defect, x0, y0, x1, y1,
/// visible pixels. Returns the number of instances, at most `room`.
int fastsamd_conveyor(int index, int width, int height, double fps, uint32_t seed, uint8_t* rgb, uint16_t* labels,
                      int64_t* table, int room) {
  fastsamd::ConveyorTruth truth;
  fastsamd::RenderConveyor(index, {width, height, fps, seed}, rgb, &truth);
  std::memcpy(labels, truth.labels.data(), truth.labels.size() * sizeof(uint16_t));
  int count = 0;
  for (const fastsamd::ConveyorInstance& instance : truth.instances) {
    if (count == room) break;
    const int64_t row[8] = {instance.id,
                            static_cast<int64_t>(instance.part),
                            static_cast<int64_t>(instance.defect),
                            instance.x0,
                            instance.y0,
                            instance.x1,
                            instance.y1,
                            instance.visible_pixels};
    std::memcpy(table + 8 * count++, row, sizeof(row));
  }
  return count;
}
}
