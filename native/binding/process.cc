#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "binding/arguments.h"
#include "binding/job.h"
#include "binding/verbs.h"
#include "process/file_lock.h"
#include "process/last_deadline.h"
#include "process/line_writer.h"

namespace fastsamd::binding {
namespace {

constexpr size_t kMaxPathBytes = 4095;
constexpr size_t kMaxHolderBytes = 1000;
constexpr size_t kMaxCapacity = 64 * 1024 * 1024;
constexpr int kMaxDescriptor = 1 << 20;
/// With its level and its line feed; what is longer is lost like a line that does not fit.
constexpr size_t kMaxLineBytes = 16 * 1024 * 1024;

struct Lock {
  int descriptor;
  std::string holder;
};

class NativeLineWriter final : public Napi::ObjectWrap<NativeLineWriter> {
 public:
  explicit NativeLineWriter(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<NativeLineWriter>(info),
        writer_(Descriptor(info), static_cast<size_t>(ReadInteger(info[1], "capacity", 1024, kMaxCapacity))) {}

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "LineWriter",
                       {
                           InstanceMethod<&NativeLineWriter::Write>("write"),
                           InstanceMethod<&NativeLineWriter::Flush>("flush"),
                           InstanceAccessor<&NativeLineWriter::Lost>("lost"),
                       });
  }

 private:
  /// A copy, so that the caller may close or replace its own.
  static int Descriptor(const Napi::CallbackInfo& info) {
    const int copy = fcntl(ReadInt(info[0], "descriptor", 0, kMaxDescriptor), F_DUPFD_CLOEXEC, 3);
    if (copy < 0) ThrowMisuse(info.Env(), std::string("descriptor: ") + std::strerror(errno));
    return copy;
  }

  Napi::Value Write(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), writer_.Write(ReadString(info[0], "line", kMaxLineBytes)));
  }
  Napi::Value Flush(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), writer_.Flush(ReadTimeout(info[0], "limitMs")));
  }
  Napi::Value Lost(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(writer_.lost()));
  }

  LineWriter writer_;
};

}  // namespace

Napi::Value OpenLineWriter(const Napi::CallbackInfo& info) {
  return NativeLineWriter::Define(info.Env()).New({info[0], info[1]});
}

Napi::Value UnblockStandardError(const Napi::CallbackInfo& info) {
  fastsamd::UnblockStandardError();
  return info.Env().Undefined();
}

Napi::Value EndProcessAfter(const Napi::CallbackInfo& info) {
  const auto limit = ReadTimeout(info[0], "limitMs");
  fastsamd::EndProcessAfter(limit, ReadInt(info[1], "code", 0, 255));
  return info.Env().Undefined();
}

Napi::Value LockFile(const Napi::CallbackInfo& info) {
  const std::string path = ReadString(info[0], "path", kMaxPathBytes);
  const std::string self = ReadString(info[1], "holder", kMaxHolderBytes);
  // Off the JS thread: the folder may be on a disk that hangs.
  return RunOnPool(
      info.Env(), "fastsamd.lockFile", {},
      [path, self]() -> Result<Lock> {
        Lock lock{-1, self};
        Result<int> locked = fastsamd::LockFile(path, lock.holder);
        if (!locked.ok()) return locked.error();
        lock.descriptor = locked.value();
        return lock;
      },
      [](Napi::Env env, Lock lock) -> Napi::Value {
        const Napi::Object answer = Napi::Object::New(env);
        if (lock.descriptor >= 0) {
          answer.Set("descriptor", lock.descriptor);
        } else {
          answer.Set("holder", lock.holder);
        }
        return answer;
      });
}

}  // namespace fastsamd::binding
