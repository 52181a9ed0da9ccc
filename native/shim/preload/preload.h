// libsallyport-preload: what a dynamically linked program asks of libc goes to the kernel first, and where
// that refused, to the broker. It works where nothing is trapped (mediation `kernel`); it is a convenience
// and no boundary.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "shim/include/sallyport.h"
#include "shim/path.h"

#define SPI_INTERPOSED __attribute__((visibility("default")))

/// One call that the kernel has refused. Begin with spi_begin_ask(), end with spi_end_ask().
typedef struct spi_ask_state {
  sp_client* client;
  sp_failure failure;
  /// What the kernel said; it stands when the broker can not be asked.
  int kernel_error;
} spi_ask_state;

/// Whether the broker is to be asked about a call that gave `result` and errno: then true, with a client.
/// Never in a signal handler that came over a question, in a child of vfork(2), or where no channel was
/// inherited.
bool spi_begin_ask(long result, spi_ask_state* state);
/// The same for calls that Landlock also refuses with EXDEV.
bool spi_begin_ask_across(long result, spi_ask_state* state);
/// Sets errno and gives -1 when `answer` is negative, else gives it back.
int spi_end_ask(spi_ask_state* state, int answer);

/// The name of an open file, when it still is its name. 0 or -errno.
int spi_path_of(int fd, char absolute[SPI_PATH_ROOM]);
/// The descriptor of the channel that all processes of the run share, out of the way of the program; -1:
/// none.
int spi_guarded_channel(void);

/// open(2) as the program sees it: the kernel, then the broker.
int spi_open_anywhere(int directory_fd, const char* path, int flags, mode_t mode);
