#include "process/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fastsamd {
namespace {

constexpr mode_t kMode = 0640;
constexpr size_t kMaxHolderBytes = 1000;

Error Unwritable(const std::string& path, int failure) {
  return Error{ErrorCode::kOutputUnwritable, path + ": cannot be locked: " + std::strerror(failure)};
}

}  // namespace

Result<int> LockFile(const std::string& path, std::string& holder) {
  // Without O_NONBLOCK a FIFO of this name would be waited for; without O_NOFOLLOW a link would be written through.
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kMode);
  if (descriptor < 0) return Unwritable(path, errno);
  struct stat about {};
  if (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
    close(descriptor);
    return Error{ErrorCode::kOutputUnwritable, path + ": cannot be locked: not a regular file"};
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
    // Who holds the lock is written for people; a full disk takes nothing from the lock itself.
    if (ftruncate(descriptor, 0) == 0) {
      const ssize_t written = pwrite(descriptor, holder.data(), holder.size(), 0);
      static_cast<void>(written);
    }
    return descriptor;
  }
  const int failure = errno;
  if (failure == EWOULDBLOCK) {
    char text[kMaxHolderBytes];
    const ssize_t length = pread(descriptor, text, sizeof text, 0);
    holder.assign(text, length > 0 ? static_cast<size_t>(length) : 0);
  }
  close(descriptor);
  if (failure == EWOULDBLOCK) return -1;
  return Unwritable(path, failure);
}

}  // namespace fastsamd
