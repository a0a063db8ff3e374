/*
 * Loaded into a process with LD_PRELOAD, lets its machine fail on demand: the wall clock jumps, the disk of one folder is
 * full or hangs. The file that MACHINE_FAULTS names is mapped and read at every call, so that a test can change it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

struct faults {
  int64_t clock_offset_ns;
  int32_t disk; /* 0: works, 1: full, 2: hangs */
  int32_t unsynchronised;
  char folder[512];
};

static struct faults *faults;

__attribute__((constructor)) static void map_faults(void) {
  const char *path = getenv("MACHINE_FAULTS");
  const int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void *memory = mmap(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory != MAP_FAILED) faults = memory;
}

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

/* --- the wall clock --- */

static int64_t offset_ns(void) { return faults == NULL ? 0 : *(volatile int64_t *)&faults->clock_offset_ns; }

int clock_gettime(clockid_t clock, struct timespec *now) {
  static __typeof__(&clock_gettime) next;
  if (next == NULL) next = REAL(clock_gettime);
  const int status = next(clock, now);
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && offset_ns() != 0) {
    const int64_t ns = now->tv_sec * 1000000000LL + now->tv_nsec + offset_ns();
    now->tv_sec = ns / 1000000000LL;
    now->tv_nsec = ns % 1000000000LL;
  }
  return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec time;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &time) != 0) return -1;
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  if (now != NULL) *now = time.tv_sec;
  return time.tv_sec;
}

int adjtimex(struct timex *request) {
  static __typeof__(&adjtimex) next;
  if (next == NULL) next = REAL(adjtimex);
  const int state = next(request);
  if (faults == NULL) return state;
  if (*(volatile int32_t *)&faults->unsynchronised) {
    request->status |= STA_UNSYNC;
    return TIME_ERROR;
  }
  request->status &= ~STA_UNSYNC;
  return TIME_OK;
}

/* --- the disk --- */

/* Whether the call is to fail with ENOSPC; one that is to hang returns only when the disk works again. */
static int refuses(int descriptor) {
  if (faults == NULL || *(volatile int32_t *)&faults->disk == 0) return 0;
  char link[64] = "/proc/self/fd/", path[1024];
  char digits[16];
  int length = 0;
  for (unsigned rest = (unsigned)descriptor; rest > 0 || length == 0; rest /= 10) digits[length++] = (char)('0' + rest % 10);
  size_t end = strlen(link);
  while (length > 0) link[end++] = digits[--length];
  link[end] = '\0';
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = '\0';
  if (strncmp(path, faults->folder, strlen(faults->folder)) != 0) return 0;
  const struct timespec pause = {0, 10000000};
  while (*(volatile int32_t *)&faults->disk == 2) nanosleep(&pause, NULL);
  if (*(volatile int32_t *)&faults->disk != 1) return 0;
  errno = ENOSPC;
  return 1;
}

#define GUARDED(type, name, declaration, ...)          \
  type name declaration {                              \
    static __typeof__(&name) next;                     \
    if (next == NULL) next = REAL(name);               \
    if (refuses(descriptor)) return -1;                \
    return next(__VA_ARGS__);                          \
  }

GUARDED(ssize_t, write, (int descriptor, const void *data, size_t size), descriptor, data, size)
GUARDED(ssize_t, pwrite, (int descriptor, const void *data, size_t size, off_t at), descriptor, data, size, at)
GUARDED(ssize_t, pwrite64, (int descriptor, const void *data, size_t size, off64_t at), descriptor, data, size, at)
GUARDED(int, fsync, (int descriptor), descriptor)
GUARDED(int, fdatasync, (int descriptor), descriptor)
GUARDED(int, ftruncate, (int descriptor, off_t size), descriptor, size)
GUARDED(int, ftruncate64, (int descriptor, off64_t size), descriptor, size)
GUARDED(int, fallocate, (int descriptor, int mode, off_t at, off_t size), descriptor, mode, at, size)
GUARDED(int, posix_fallocate, (int descriptor, off_t at, off_t size), descriptor, at, size)
