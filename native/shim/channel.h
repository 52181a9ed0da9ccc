// A channel to the broker: how it is got, and frames with descriptors over it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/include/sallyport.h"
#include "shim/reply.h"

enum { SPI_MAX_DESCRIPTORS = 4 };

/// What went wrong on this side. `message` lives for ever.
typedef struct spi_trouble {
  sp_code code;
  int error;
  const char* message;
} spi_trouble;

/// A frame that came, with its descriptors, which the caller owns.
typedef struct spi_frame {
  uint8_t* bytes;
  size_t size_bytes;
  int fds[SPI_MAX_DESCRIPTORS];
  size_t fd_count;
} spi_frame;

/// Sends one frame; waits for room. 0 or -errno.
int spi_send(int channel, const uint8_t* bytes, size_t size_bytes, const int* fds, size_t fd_count);
/// Waits for one frame, into `frame->bytes` (SPI_MAX_FRAME_BYTES). 1; 0 at the end; -EPROTO for one that was
/// cut; -errno.
int spi_receive(int channel, spi_frame* frame);
void spi_close_descriptors(const spi_frame* frame);

/// Gets a channel that is greeted and nobody else's. 0, or -errno with `trouble`.
int spi_open_channel(int* channel, spi_hello* hello, spi_trouble* trouble);
/// The inherited channel that SALLYPORT_FD names; -1 where there is none. All processes of the run share it.
int spi_inherited_channel(void);

#define SPI_INHERITED_VARIABLE "SALLYPORT_FD="
/// Its place in the environment; NULL where it is not set.
char** spi_inherited_variable(void);
