// A request as it goes over the wire.
#pragma once

#include <stdint.h>
#include <time.h>

#include "shim/include/sallyport.h"
#include "shim/msgpack.h"
#include "shim/words.h"

/// One field, by the letter of its operation's row.
typedef union spi_field {
  /// p and s
  const char* text;
  /// i
  int64_t integer;
  /// b
  struct {
    const void* bytes;
    size_t size_bytes;
  } binary;
  /// t: UTIME_NOW and UTIME_OMIT are its words.
  struct timespec time;
  /// a: ends with NULL.
  const char* const* texts;
  /// n
  struct {
    const uint32_t* entries;
    size_t count;
  } integers;
  /// c
  const sp_cells* cells;
} spi_field;

/// Writes `op` with its fields. 0; -EILSEQ for text that is no UTF-8; -EMSGSIZE above a frame; -EINVAL beyond
/// what the wire can say.
int spi_write_request(spi_writer* writer, uint32_t id, spi_op op, const spi_field* fields);
/// The first frame of a client.
void spi_write_hello(spi_writer* writer);
