#include "gpio/lines.h"

#include <fcntl.h>
#include <linux/gpio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace fastsamd {
namespace {

constexpr char kConsumer[] = "fastsamd";
/// Edges that the kernel holds for us.
constexpr uint32_t kBufferedEdges = 256;
constexpr size_t kEventsAtOnce = 16;

/// What to do about it, of the errors that have a remedy.
const char* Remedy(int error) {
  switch (error) {
    case ENOENT:
      return " (\"gpiodetect\" lists the chips)";
    case EACCES:
    case EPERM:
      return " (the user of the service needs the group that owns the chip, often gpio)";
    case EBUSY:
      return " (another program or driver has the line; \"gpioinfo\" says which)";
    case ENOTTY:
      return " (no GPIO chip, or a kernel before 5.10)";
    case EINVAL:
      return " (no such line of the chip, or it cannot do what is asked)";
    default:
      return "";
  }
}

Error Refused(const std::string& chip, const std::string& what) {
  const int error = errno;
  return {ErrorCode::kSourceNotFound, chip + ": " + what + ": " + std::strerror(error) + Remedy(error)};
}

Result<int> Request(const std::string& chip, gpio_v2_line_request& request, const std::string& what) {
  std::strncpy(request.consumer, kConsumer, sizeof(request.consumer) - 1);
  const int fd = open(chip.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return Refused(chip, "cannot be opened");
  const int answer = ioctl(fd, GPIO_V2_GET_LINE_IOCTL, &request);
  if (answer < 0) {
    const Error error = Refused(chip, what);
    close(fd);
    return error;
  }
  close(fd);
  return request.fd;
}

}  // namespace

Result<int> RequestGpioInput(const std::string& chip, const GpioInput& input) {
  gpio_v2_line_request request = {};
  request.offsets[0] = input.line;
  request.num_lines = 1;
  request.event_buffer_size = kBufferedEdges;
  // Without a clock flag events carry CLOCK_MONOTONIC, the clock of captured frames.
  request.config.flags = GPIO_V2_LINE_FLAG_INPUT;
  if (input.edge != GpioEdge::kFalling) request.config.flags |= GPIO_V2_LINE_FLAG_EDGE_RISING;
  if (input.edge != GpioEdge::kRising) request.config.flags |= GPIO_V2_LINE_FLAG_EDGE_FALLING;
  if (input.active_low) request.config.flags |= GPIO_V2_LINE_FLAG_ACTIVE_LOW;
  if (input.debounce_us > 0) {
    request.config.num_attrs = 1;
    request.config.attrs[0].mask = 1;
    request.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
    request.config.attrs[0].attr.debounce_period_us = input.debounce_us;
  }
  return Request(chip, request, "line " + std::to_string(input.line) + " cannot be read");
}

Result<int> RequestGpioOutputs(const std::string& chip, const GpioOutputs& outputs) {
  gpio_v2_line_request request = {};
  std::string names;
  for (const uint32_t line : outputs.lines) {
    request.offsets[request.num_lines++] = line;
    names += (names.empty() ? "" : ", ") + std::to_string(line);
  }
  request.config.flags = GPIO_V2_LINE_FLAG_OUTPUT;
  if (outputs.active_low) request.config.flags |= GPIO_V2_LINE_FLAG_ACTIVE_LOW;
  // Without an attribute for values all lines begin inactive.
  return Request(chip, request, "lines " + names + " cannot be driven");
}

Result<std::vector<GpioEvent>> ReadGpioEvents(int lines) {
  std::array<gpio_v2_line_event, kEventsAtOnce> events = {};
  ssize_t bytes;
  do {
    bytes = read(lines, events.data(), sizeof(events));
  } while (bytes < 0 && errno == EINTR);
  if (bytes <= 0) {
    return Error{ErrorCode::kSourceLost,
                 std::string("the input line is lost: ") + std::strerror(bytes < 0 ? errno : EIO)};
  }
  std::vector<GpioEvent> found;
  for (size_t k = 0; k < static_cast<size_t>(bytes) / sizeof(events[0]); ++k) {
    found.push_back({events[k].timestamp_ns, events[k].line_seqno});
  }
  return found;
}

bool SetGpioOutputs(int lines, size_t count, uint64_t bits) {
  gpio_v2_line_values values = {};
  values.bits = bits;
  values.mask = count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
  return ioctl(lines, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) == 0;
}

}  // namespace fastsamd
