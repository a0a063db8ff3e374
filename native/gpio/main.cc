// fastsamd-gpio: holds GPIO lines for the daemon, in a separate process. The kernel does not define the level of an
// output once the process that held it is gone, so an output that means "OK" must be switched off by a process that
// outlives the daemon: this one does so when its standard input ends, and when nothing arrives there for too long.
//
//   fastsamd-gpio input CHIP LINE rising|falling|both DEBOUNCE_US ACTIVE_LOW
//   fastsamd-gpio outputs CHIP LINE,LINE,… STALE_MS ACTIVE_LOW
//
// Says "ready", then "edge NANOSECONDS NUMBER" for each edge, or "stale" when it switched the outputs off. Takes one
// byte at a time: "." the daemon lives; "@" + bits sets the outputs, the first line by the lowest bit.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "gpio/lines.h"

namespace {

using fastsamd::GpioEdge;
using fastsamd::Result;

constexpr char kNone = '@';
constexpr size_t kMostOutputs = 5;
constexpr int kUsage = 2;

int Fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

/// False when the daemon is gone.
bool Say(const std::string& line) {
  return write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

std::vector<uint32_t> NumbersOf(const std::string& list) {
  std::vector<uint32_t> numbers;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(',', at), list.size());
    numbers.push_back(static_cast<uint32_t>(std::strtoul(list.substr(at, end - at).c_str(), nullptr, 10)));
    at = end + 1;
  }
  return numbers;
}

int WatchInput(int lines) {
  std::array<pollfd, 2> ends = {{{lines, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  while (true) {
    if (poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return Fail("poll failed");
    if (ends[1].revents != 0) {
      std::array<char, 64> bytes;
      const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
      if (count == 0 || (count < 0 && errno != EINTR)) return 0;
    }
    if (ends[0].revents == 0) continue;
    const Result<std::vector<fastsamd::GpioEvent>> events = fastsamd::ReadGpioEvents(lines);
    if (!events.ok()) return Fail(events.error().message);
    for (const fastsamd::GpioEvent& event : events.value()) {
      if (!Say("edge " + std::to_string(event.at_ns) + " " + std::to_string(event.number) + "\n")) return 0;
    }
  }
}

int DriveOutputs(int lines, size_t count, int stale_ms) {
  bool is_on = false;
  const auto set = [&](uint64_t bits) {
    is_on = bits != 0;
    return fastsamd::SetGpioOutputs(lines, count, bits);
  };
  while (true) {
    pollfd commands = {STDIN_FILENO, POLLIN, 0};
    const int ready = poll(&commands, 1, stale_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      if (!is_on) continue;
      if (!set(0)) return Fail("the output lines are lost");
      Say("stale\n");
      continue;
    }
    std::array<char, 64> bytes;
    const ssize_t size = ready < 0 ? -1 : read(STDIN_FILENO, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return set(0) ? 0 : 1;
    for (ssize_t k = 0; k < size; ++k) {
      const int bits = bytes[static_cast<size_t>(k)] - kNone;
      if (bits >= 0 && bits < 1 << kMostOutputs && !set(static_cast<uint64_t>(bits))) {
        return Fail("the output lines are lost");
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  // The daemon ends this program by closing its standard input, also where a signal goes to both.
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(each, SIG_IGN);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool is_input = words.size() == 6 && words[0] == "input";
  const bool is_output = words.size() == 5 && words[0] == "outputs";
  if (!is_input && !is_output) {
    Fail("fastsamd-gpio is started by fastsamd");
    return kUsage;
  }
  if (is_input) {
    fastsamd::GpioInput input;
    input.line = NumbersOf(words[2])[0];
    input.edge = words[3] == "rising"    ? GpioEdge::kRising
                 : words[3] == "falling" ? GpioEdge::kFalling
                                         : GpioEdge::kBoth;
    input.debounce_us = NumbersOf(words[4])[0];
    input.active_low = words[5] == "1";
    const Result<int> lines = fastsamd::RequestGpioInput(words[1], input);
    if (!lines.ok()) return Fail(lines.error().message);
    return Say("ready\n") ? WatchInput(lines.value()) : 0;
  }
  fastsamd::GpioOutputs outputs;
  outputs.lines = NumbersOf(words[2]);
  outputs.active_low = words[4] == "1";
  if (outputs.lines.empty() || outputs.lines.size() > kMostOutputs) return kUsage;
  const Result<int> lines = fastsamd::RequestGpioOutputs(words[1], outputs);
  if (!lines.ok()) return Fail(lines.error().message);
  return Say("ready\n") ? DriveOutputs(lines.value(), outputs.lines.size(), std::atoi(words[3].c_str())) : 0;
}
