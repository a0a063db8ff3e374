#include "core/snap.h"

namespace fastsamd {
namespace {

constexpr float kFullBoxIoU = 0.9F;

}  // namespace

BoxF SnapToBorder(const BoxF& box, const Geometry& geometry, float distance) {
  if (distance <= 0.0F) return box;
  const BoxF content{static_cast<float>(geometry.left), static_cast<float>(geometry.top),
                     static_cast<float>(geometry.left + geometry.content_width),
                     static_cast<float>(geometry.top + geometry.content_height)};
  BoxF snapped = box;
  if (box.x1 < content.x1 + distance) snapped.x1 = content.x1;
  if (box.y1 < content.y1 + distance) snapped.y1 = content.y1;
  if (box.x2 > content.x2 - distance) snapped.x2 = content.x2;
  if (box.y2 > content.y2 - distance) snapped.y2 = content.y2;
  return IoU(snapped, content) > kFullBoxIoU ? content : snapped;
}

}  // namespace fastsamd
