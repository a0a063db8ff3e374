/*
 * Loaded into a process with LD_PRELOAD, stands in for the GPIO chips of the kernel: the lines that are asked for are files of the folder
 * GPIO_CHIP. "edges" is a FIFO of struct gpio_v2_line_event, "outputs" gets a line "BITS/MASK" for each change, "requests" one for each
 * request. Line 99 belongs to somebody else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_in(const char *name, int flags) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", getenv("GPIO_CHIP"), name);
  return open(path, flags | O_CLOEXEC, 0600);
}

static int take(struct gpio_v2_line_request *request) {
  for (unsigned k = 0; k < request->num_lines; k++) {
    if (request->offsets[k] == 99) {
      errno = EBUSY;
      return -1;
    }
  }
  const int log = open_in("requests", O_WRONLY | O_APPEND | O_CREAT);
  const unsigned debounce = request->config.num_attrs > 0 ? request->config.attrs[0].attr.debounce_period_us : 0;
  dprintf(log, "%s flags %llx debounce %u lines", request->consumer, (unsigned long long)request->config.flags, debounce);
  for (unsigned k = 0; k < request->num_lines; k++) dprintf(log, " %u", request->offsets[k]);
  dprintf(log, "\n");
  close(log);
  const int is_input = (request->config.flags & GPIO_V2_LINE_FLAG_INPUT) != 0;
  request->fd = is_input ? open_in("edges", O_RDWR) : open_in("outputs", O_WRONLY | O_APPEND | O_CREAT);
  return request->fd < 0 ? -1 : 0;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  if (request == GPIO_V2_GET_LINE_IOCTL) return take(argument);
  if (request == GPIO_V2_LINE_SET_VALUES_IOCTL) {
    const struct gpio_v2_line_values *values = argument;
    dprintf(fd, "%llu/%llu\n", (unsigned long long)values->bits, (unsigned long long)values->mask);
    return 0;
  }
  return (int)syscall(SYS_ioctl, fd, request, argument);
}
