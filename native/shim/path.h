// What a program writes as a path, as the wire takes it.
#pragma once

#include <stddef.h>

#include "shim/msgpack.h"

enum { SPI_PATH_ROOM = SPI_MAX_PATH_BYTES + 1 };

/// Writes the canonical absolute form of `path`, taken from `directory_fd` (AT_FDCWD: the working directory).
/// Links stay, but a
/// ".." goes where the kernel would go: to the parent of the directory that the name before it leads to. 0 or
/// -errno.
int spi_absolute(int directory_fd, const char* path, char absolute[SPI_PATH_ROOM]);
