#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/result.h"

namespace fastsamd {

/// One combination that a device offers. Of a range (stepwise or continuous) it is the largest member.
struct VideoMode {
  /// FourCC, like YUYV or MJPG.
  std::string format;
  int width = 0;
  int height = 0;
  /// Highest frame rate; 0 when the driver does not say.
  double fps = 0;
};

struct VideoDevice {
  std::string path;
  std::string name;
  std::string driver;
  /// Where it is plugged in, as the driver names it.
  std::string bus;
  std::vector<VideoMode> modes;
};

/// ioctl(2); a test puts a driver of its own in its place.
using Ioctl = std::function<int(int fd, unsigned long request, void* argument)>;

/// What the capture device behind `fd` says about itself. Errors: kSourceUnsupported when it does not capture video,
/// kSourceLost when it does not answer.
Result<VideoDevice> QueryVideoDevice(int fd, const Ioctl& call);

/// Opens a device node (without blocking, without streaming) and queries it. Errors: as QueryVideoDevice, and
/// kSourceNotFound when it cannot be opened.
Result<VideoDevice> OpenAndQueryVideoDevice(const std::string& path);

}  // namespace fastsamd
