#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "binding/arguments.h"
#include "binding/verbs.h"

namespace fastsamd::binding {
namespace {

constexpr size_t kMaxMessageBytes = 4096;

/// 0, or the errno of what failed. Never blocks: a service manager that does not read is not waited for.
int SendDatagram(const std::string& path, const std::string& message) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  // In the abstract namespace the name starts with a zero byte, which is written "@", and ends with its length.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());

  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return errno;
  const ssize_t sent = sendto(descriptor, message.data(), message.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&address), length);
  const int failure = sent < 0 ? errno : 0;
  close(descriptor);
  return failure;
}

}  // namespace

Napi::Value Notify(const Napi::CallbackInfo& info) {
  const std::string path = ReadString(info[0], "socket", sizeof(sockaddr_un::sun_path) - 1);
  if (path.empty() || (path[0] != '/' && path[0] != '@')) {
    ThrowMisuse(info.Env(), "socket: expected an absolute path, or @ and a name of the abstract namespace");
  }
  const int failure = SendDatagram(path, ReadString(info[1], "message", kMaxMessageBytes));
  if (failure == 0) return info.Env().Null();
  return Napi::String::New(info.Env(), std::strerror(failure));
}

}  // namespace fastsamd::binding
