// The msgpack of a frame: arrays, integers, float64, strings of UTF-8, binary and nil, and nothing else.
// Bounds as in src/protocol/limits.ts.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  SPI_MAX_FRAME_BYTES = 65536,
  SPI_MAX_PATH_BYTES = 4096,
  SPI_MAX_STRINGS = 1024,
  SPI_MAX_LIST_ENTRIES = 16384,
  SPI_MAX_NAME_BYTES = 1020,
  SPI_MAX_TEXT_BYTES = 4096,
  SPI_MAX_NEXT_STEPS = 16,
  SPI_MAX_ALLOWED_ROOTS = 16,
  SPI_MAX_DEPTH = 4,
  SPI_MAX_ARRAY_ENTRIES = SPI_MAX_LIST_ENTRIES,
  SPI_MAX_CELLS = 4096,
  SPI_MAX_CELL_BYTES = 32767,
};

/// Whether `bytes` is exactly one value of the kinds above. Everything else here reads only what has passed.
bool spi_scan(const uint8_t* bytes, size_t size_bytes);
/// RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF.
bool spi_is_utf8(const uint8_t* bytes, size_t size_bytes);

typedef enum spi_type { SPI_NIL, SPI_INTEGER, SPI_FLOAT, SPI_TEXT, SPI_BINARY, SPI_ARRAY } spi_type;

/// One value. Of an array `length` is the count of entries, which follow; else it is bytes at `bytes`.
typedef struct spi_value {
  spi_type type;
  /// An integer; of one beyond 2^53 `is_safe` is false. A float64 that is one is an integer too, as in
  /// JavaScript.
  int64_t integer;
  double number;
  bool is_safe;
  const uint8_t* bytes;
  uint32_t length;
} spi_value;

/// A place in a scanned frame.
typedef struct spi_cursor {
  const uint8_t* at;
  const uint8_t* end;
} spi_cursor;

/// Reads the next value and stands behind it; behind the head of an array.
spi_value spi_next(spi_cursor* cursor);
/// Goes past the next value with everything in it.
void spi_skip(spi_cursor* cursor);

/// A frame that is being written. `failed` when it would be larger than a frame may be.
typedef struct spi_writer {
  uint8_t* bytes;
  size_t size_bytes;
  bool failed;
} spi_writer;

void spi_write_nil(spi_writer* writer);
/// Beyond 32 bits it is written as float64, as the broker's own codec does.
void spi_write_integer(spi_writer* writer, int64_t value);
/// An integer where it is one.
void spi_write_number(spi_writer* writer, double value);
void spi_write_text(spi_writer* writer, const char* text, size_t size_bytes);
void spi_write_binary(spi_writer* writer, const void* bytes, size_t size_bytes);
void spi_write_array(spi_writer* writer, size_t count);
