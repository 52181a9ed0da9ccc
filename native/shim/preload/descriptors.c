// Programs close what they do not know, above all before they start others: the shared channel is left open
// for those.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/preload/preload.h"

SPI_INTERPOSED int close(int fd) {
  return fd >= 0 && fd == spi_guarded_channel() ? 0 : (int)syscall(SYS_close, fd);
}

SPI_INTERPOSED int close_range(unsigned first, unsigned last, int flags) {
  const int channel = spi_guarded_channel();
  if (channel < 0 || first > last || (unsigned)channel < first || (unsigned)channel > last)
    return (int)syscall(SYS_close_range, first, last, flags);
  const unsigned kept = (unsigned)channel;
  if (kept > first && syscall(SYS_close_range, first, kept - 1, flags) != 0) return -1;
  return kept < last ? (int)syscall(SYS_close_range, kept + 1, last, flags) : 0;
}

SPI_INTERPOSED void closefrom(int lowest) { close_range(lowest < 0 ? 0 : (unsigned)lowest, ~0U, 0); }

SPI_INTERPOSED int dup3(int from, int to, int flags) {
  if (to >= 0 && to == spi_guarded_channel()) {
    errno = EBUSY;
    return -1;
  }
  return (int)syscall(SYS_dup3, from, to, flags);
}

SPI_INTERPOSED int dup2(int from, int to) {
  if (to >= 0 && to == spi_guarded_channel()) {
    errno = EBUSY;
    return -1;
  }
  return (int)syscall(SYS_dup2, from, to);
}
