#include "v4l2/devices.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace fastsamd {
namespace {

/// A driver that enumerates without end would keep us here.
constexpr unsigned kMaxEntries = 256;

/// Text of a fixed field of the kernel's, which need not be terminated.
template <size_t N>
std::string Text(const __u8 (&field)[N]) {
  const char* text = reinterpret_cast<const char*>(field);
  return {text, strnlen(text, N)};
}

std::string FourCc(__u32 code) {
  std::string text;
  for (int shift = 0; shift < 32; shift += 8) text.push_back(static_cast<char>((code >> shift) & 0x7f));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

double RateOf(const v4l2_fract& interval) {
  return interval.numerator == 0 ? 0 : static_cast<double>(interval.denominator) / interval.numerator;
}

/// The shortest interval of a format and size, as a rate.
double HighestRate(int fd, const Ioctl& call, __u32 format, int width, int height) {
  double highest = 0;
  for (unsigned index = 0; index < kMaxEntries; ++index) {
    v4l2_frmivalenum entry = {};
    entry.index = index;
    entry.pixel_format = format;
    entry.width = static_cast<__u32>(width);
    entry.height = static_cast<__u32>(height);
    if (call(fd, VIDIOC_ENUM_FRAMEINTERVALS, &entry) < 0) break;
    const bool discrete = entry.type == V4L2_FRMIVAL_TYPE_DISCRETE;
    highest = std::max(highest, RateOf(discrete ? entry.discrete : entry.stepwise.min));
    if (!discrete) break;
  }
  return highest;
}

void AddModes(int fd, const Ioctl& call, __u32 format, std::vector<VideoMode>& modes) {
  for (unsigned index = 0; index < kMaxEntries && modes.size() < kMaxEntries; ++index) {
    v4l2_frmsizeenum entry = {};
    entry.index = index;
    entry.pixel_format = format;
    if (call(fd, VIDIOC_ENUM_FRAMESIZES, &entry) < 0) break;
    const bool discrete = entry.type == V4L2_FRMSIZE_TYPE_DISCRETE;
    const int width = static_cast<int>(discrete ? entry.discrete.width : entry.stepwise.max_width);
    const int height = static_cast<int>(discrete ? entry.discrete.height : entry.stepwise.max_height);
    modes.push_back({FourCc(format), width, height, HighestRate(fd, call, format, width, height)});
    if (!discrete) break;
  }
}

}  // namespace

Result<VideoDevice> QueryVideoDevice(int fd, const Ioctl& call) {
  v4l2_capability capability = {};
  if (call(fd, VIDIOC_QUERYCAP, &capability) < 0) {
    return Error{ErrorCode::kSourceLost, std::string("no answer from the driver: ") + std::strerror(errno)};
  }
  const bool per_node = (capability.capabilities & V4L2_CAP_DEVICE_CAPS) != 0;
  const __u32 flags = per_node ? capability.device_caps : capability.capabilities;
  const bool planar = (flags & V4L2_CAP_VIDEO_CAPTURE_MPLANE) != 0;
  if (!planar && (flags & V4L2_CAP_VIDEO_CAPTURE) == 0) {
    return Error{ErrorCode::kSourceUnsupported, "not a capture device (a metadata or output node)"};
  }
  VideoDevice device;
  device.name = Text(capability.card);
  device.driver = Text(capability.driver);
  device.bus = Text(capability.bus_info);
  for (unsigned index = 0; index < kMaxEntries; ++index) {
    v4l2_fmtdesc format = {};
    format.index = index;
    format.type = planar ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE : V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (call(fd, VIDIOC_ENUM_FMT, &format) < 0) break;
    AddModes(fd, call, format.pixelformat, device.modes);
  }
  return device;
}

Result<VideoDevice> OpenAndQueryVideoDevice(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return Error{ErrorCode::kSourceNotFound, path + ": " + std::strerror(errno)};
  Result<VideoDevice> device = QueryVideoDevice(
      fd, [](int file, unsigned long request, void* argument) { return ioctl(file, request, argument); });
  close(fd);
  if (!device.ok()) return Error{device.error().code, path + ": " + device.error().message};
  device.value().path = path;
  return device;
}

}  // namespace fastsamd
