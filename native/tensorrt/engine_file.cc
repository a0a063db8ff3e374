#include "tensorrt/engine_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace fastsamd::tensorrt {
namespace {

constexpr size_t kLengthBytes = 4;
/// The metadata of a model with a thousand classes is some tens of KiB.
constexpr size_t kMaxMetadata = 1 << 20;
/// Smaller than any engine can be.
constexpr size_t kMinPlan = 64;
/// The engine of the largest FastSAM has 300 MB. What is larger would only take the memory of the machine.
constexpr off_t kMaxFile = off_t{4} << 30;

/// A file descriptor with an owner.
class File {
 public:
  File(const std::string& path, int flags) : descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string Reason() { return std::strerror(errno); }

uint32_t LittleEndian(const char* bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) value |= uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return value;
}

/// Finds the JSON prefix. A plan's own first bytes are a magic number that no sensible length equals.
Status SplitMetadata(const std::string& path, EngineFile& file) {
  if (file.bytes.size() < kLengthBytes + 1 || file.bytes[kLengthBytes] != '{') return Ok();
  const size_t length = LittleEndian(file.bytes.data());
  if (length > kMaxMetadata) return Ok();
  if (kLengthBytes + length > file.bytes.size()) {
    return Error{ErrorCode::kEngineCorrupt, path + ": the file ends within its metadata; build the engine again"};
  }
  if (file.bytes[kLengthBytes + length - 1] != '}') return Ok();
  file.metadata.assign(file.bytes.data() + kLengthBytes, length);
  file.plan_offset = kLengthBytes + length;
  return Ok();
}

}  // namespace

Result<EngineFile> ReadEngineFile(const std::string& path) {
  const File file(path, O_RDONLY | O_NONBLOCK);  // A FIFO is not waited for.
  struct stat status {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0) {
    return Error{ErrorCode::kSourceNotFound, path + ": " + Reason()};
  }
  if (!S_ISREG(status.st_mode)) return Error{ErrorCode::kEngineCorrupt, path + ": not a file"};
  if (status.st_size > kMaxFile) {
    return Error{ErrorCode::kEngineCorrupt,
                 path + ": " + std::to_string(status.st_size) + " bytes; an engine has at most 4 GiB; build it again"};
  }
  EngineFile engine;
  engine.bytes.resize(static_cast<size_t>(status.st_size));
  size_t done = 0;
  while (done < engine.bytes.size()) {
    const ssize_t count = read(file.descriptor(), engine.bytes.data() + done, engine.bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error{ErrorCode::kEngineCorrupt, path + ": " + Reason()};
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  engine.bytes.resize(done);
  if (Status split = SplitMetadata(path, engine); !split.ok()) return split.error();
  if (engine.plan_size() < kMinPlan) {
    return Error{ErrorCode::kEngineCorrupt,
                 path + ": " + std::to_string(engine.bytes.size()) + " bytes are no TensorRT engine; build it again"};
  }
  return engine;
}

Status WriteDurably(const std::string& path, const void* data, size_t size) {
  const File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  const auto failed = [&path] { return Error{ErrorCode::kOutputUnwritable, path + ": " + Reason()}; };
  if (file.descriptor() < 0) return failed();
  const char* bytes = static_cast<const char*>(data);
  for (size_t done = 0; done < size;) {
    const ssize_t count = write(file.descriptor(), bytes + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed();
    done += static_cast<size_t>(count);
  }
  if (fsync(file.descriptor()) != 0) return failed();
  return Ok();
}

}  // namespace fastsamd::tensorrt
