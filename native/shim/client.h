// A client: one channel, used by many threads at a time.
#pragma once

#include "shim/channel.h"
#include "shim/include/sallyport.h"
#include "shim/reply.h"
#include "shim/request.h"

/// What a request brought. `fd` is -1 where the operation brings none. spi_reply_free(reply) when it has been
/// looked at.
typedef struct spi_answer {
  spi_reply* reply;
  int fd;
} spi_answer;

/// Asks and waits. The fields are written as they are: paths are made absolute before. 0, or -errno with
/// `failure`; then `answer` holds nothing.
int spi_ask(sp_client* client, spi_op op, const spi_field* fields, const int* fds, size_t fd_count,
            spi_answer* answer, sp_failure* failure);
/// The same for an operation without value and descriptor.
int spi_ask_plainly(sp_client* client, spi_op op, const spi_field* fields, sp_failure* failure);

/// Fills `failure`, which may be NULL, and gives -error. `message` lives for ever.
int spi_fail(sp_failure* failure, sp_code code, int error, const char* message);
/// A path of the caller's made absolute; -errno with `failure`.
int spi_path(const char* path, char absolute[], sp_failure* failure);
