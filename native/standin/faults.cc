#include "standin/faults.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>

namespace fastsamd::standin {
namespace {

struct Fault {
  int calls_left;
  int code;
};
constexpr int kKill = -1;

std::mutex mutex;
std::optional<std::string> chosen;
std::string applied;
std::multimap<std::string, Fault> faults;
std::map<std::string, int> calls;
std::map<std::string, std::vector<int>> recorded;

void Apply(const std::string& text) {
  applied = text;
  faults.clear();
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    std::istringstream fields(item);
    std::string name, nth = "1", code = "2";
    std::getline(fields, name, ':');
    std::getline(fields, nth, ':');
    std::getline(fields, code, ':');
    faults.emplace(name, Fault{std::stoi(nth), code == "kill" ? kKill : std::stoi(code)});
  }
}

}  // namespace

void SetFaults(const std::string& text) {
  const std::lock_guard lock(mutex);
  chosen = text;
  recorded.clear();
  Apply(text);
}

int FaultOf(const char* call) {
  const std::lock_guard lock(mutex);
  ++calls[call];
  if (!chosen) {
    const char* environment = std::getenv("FASTSAMD_STANDIN_FAULTS");
    const std::string text = environment == nullptr ? "" : environment;
    if (text != applied) Apply(text);
  }
  int code = 0;
  const auto [begin, end] = faults.equal_range(call);
  for (auto fault = begin; fault != end; ++fault) {
    if (--fault->second.calls_left == 0) code = fault->second.code;
  }
  if (code == kKill) kill(getpid(), SIGKILL);
  return code;
}

void Record(const char* name, int value) {
  const std::lock_guard lock(mutex);
  recorded[name].push_back(value);
}

std::vector<int> RecordedOf(const std::string& name) {
  const std::lock_guard lock(mutex);
  return recorded[name];
}

int CallsOf(const std::string& call) {
  const std::lock_guard lock(mutex);
  return calls[call];
}

}  // namespace fastsamd::standin
