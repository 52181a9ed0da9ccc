#include "shim/msgpack.h"

#include <math.h>
#include <string.h>

static const double kMaxSafe = 9007199254740991.0;

static uint64_t big_endian(const uint8_t* bytes, size_t width) {
  uint64_t value = 0;
  for (size_t at = 0; at < width; at++) value = value << 8 | bytes[at];
  return value;
}

bool spi_is_utf8(const uint8_t* bytes, size_t size_bytes) {
  size_t at = 0;
  while (at < size_bytes) {
    const uint8_t lead = bytes[at++];
    if (lead < 0x80) continue;
    size_t more = 0;
    if (lead >= 0xc2 && lead <= 0xdf) more = 1;
    if (lead >= 0xe0 && lead <= 0xef) more = 2;
    if (lead >= 0xf0 && lead <= 0xf4) more = 3;
    if (more == 0 || more > size_bytes - at) return false;
    const uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (bytes[at] < low || bytes[at] > high) return false;
    for (size_t next = 1; next < more; next++)
      if ((bytes[at + next] & 0xc0) != 0x80) return false;
    at += more;
  }
  return true;
}

/// How a value begins: the bytes behind the first that say its length, and those that are it.
typedef struct head {
  spi_type type;
  /// Bytes of the length, or of the number; 0 when the first byte holds it.
  size_t width;
  uint32_t length;
  bool is_known;
} head;

static head head_of(uint8_t first) {
  if (first < 0x80 || first >= 0xe0) return (head){SPI_INTEGER, 0, 0, true};
  if (first >= 0x90 && first <= 0x9f) return (head){SPI_ARRAY, 0, first & 15, true};
  if (first >= 0xa0 && first <= 0xbf) return (head){SPI_TEXT, 0, first & 31, true};
  switch (first) {
    case 0xc0:
      return (head){SPI_NIL, 0, 0, true};
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return (head){SPI_BINARY, (size_t)1 << (first - 0xc4), 0, true};
    case 0xcb:
      return (head){SPI_FLOAT, 8, 0, true};
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return (head){SPI_INTEGER, (size_t)1 << (first - 0xcc), 0, true};
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return (head){SPI_INTEGER, (size_t)1 << (first - 0xd0), 0, true};
    case 0xd9:
    case 0xda:
    case 0xdb:
      return (head){SPI_TEXT, (size_t)1 << (first - 0xd9), 0, true};
    case 0xdc:
    case 0xdd:
      return (head){SPI_ARRAY, first == 0xdc ? 2 : 4, 0, true};
    default:
      return (head){SPI_NIL, 0, 0, false};
  }
}

bool spi_scan(const uint8_t* bytes, size_t size_bytes) {
  if (size_bytes > SPI_MAX_FRAME_BYTES) return false;
  uint32_t pending[SPI_MAX_DEPTH + 1] = {1};
  size_t depth = 0;
  size_t at = 0;
  for (;;) {
    while (pending[depth] == 0) {
      if (depth == 0) return at == size_bytes;
      depth--;
    }
    pending[depth]--;
    if (at >= size_bytes) return false;
    head next = head_of(bytes[at++]);
    if (!next.is_known || next.width > size_bytes - at) return false;
    const bool has_length = next.type == SPI_ARRAY || next.type == SPI_TEXT || next.type == SPI_BINARY;
    const uint64_t length = has_length && next.width > 0 ? big_endian(bytes + at, next.width) : next.length;
    at += next.width;
    if (!has_length) continue;
    // Each entry takes a byte: a count that the frame can not hold is refused before it costs anything.
    if (length > size_bytes - at) return false;
    if (next.type == SPI_ARRAY) {
      if (length > SPI_MAX_ARRAY_ENTRIES || depth == SPI_MAX_DEPTH) return false;
      pending[++depth] = (uint32_t)length;
      continue;
    }
    if (next.type == SPI_TEXT && !spi_is_utf8(bytes + at, (size_t)length)) return false;
    at += (size_t)length;
  }
}

static spi_value integer_of(uint8_t first, uint64_t raw, size_t width) {
  spi_value value = {.type = SPI_INTEGER, .is_safe = true};
  if (width == 0) {
    value.integer = (int8_t)first;
  } else if (first >= 0xd0) {
    // Sign extension by hand: what an out of range conversion gives is the compiler's choice.
    const uint64_t sign = (uint64_t)1 << (8 * width - 1);
    const uint64_t extended = (raw ^ sign) - sign;
    memcpy(&value.integer, &extended, sizeof extended);
  } else {
    value.is_safe = raw <= (uint64_t)kMaxSafe;
    memcpy(&value.integer, &raw, sizeof raw);
  }
  value.number = first >= 0xcc && first <= 0xcf ? (double)raw : (double)value.integer;
  value.is_safe = value.is_safe && value.number <= kMaxSafe && value.number >= -kMaxSafe;
  return value;
}

static spi_value float_of(uint64_t raw) {
  spi_value value = {.type = SPI_FLOAT};
  memcpy(&value.number, &raw, sizeof raw);
  // -0 is no integer: it would be sent on as another number than it came in.
  const bool is_whole = isfinite(value.number) && value.number >= -kMaxSafe && value.number <= kMaxSafe &&
                        value.number == (double)(int64_t)value.number &&
                        !(value.number == 0 && signbit(value.number));
  if (!is_whole) return value;
  value.type = SPI_INTEGER;
  value.integer = (int64_t)value.number;
  value.is_safe = true;
  return value;
}

spi_value spi_next(spi_cursor* cursor) {
  const uint8_t first = *cursor->at++;
  const head next = head_of(first);
  const uint64_t raw = next.width > 0 ? big_endian(cursor->at, next.width) : next.length;
  cursor->at += next.width;
  switch (next.type) {
    case SPI_NIL:
      return (spi_value){.type = SPI_NIL};
    case SPI_INTEGER:
      return integer_of(first, raw, next.width);
    case SPI_FLOAT:
      return float_of(raw);
    case SPI_ARRAY:
      return (spi_value){.type = SPI_ARRAY, .length = (uint32_t)raw};
    case SPI_TEXT:
    case SPI_BINARY:
      break;
  }
  const spi_value value = {.type = next.type, .bytes = cursor->at, .length = (uint32_t)raw};
  cursor->at += raw;
  return value;
}

void spi_skip(spi_cursor* cursor) {
  // Each value of an array is one more to come; a scanned frame can not have more of them than bytes.
  for (size_t left = 1; left > 0; left--) {
    const spi_value value = spi_next(cursor);
    if (value.type == SPI_ARRAY) left += value.length;
  }
}

static void put(spi_writer* writer, const void* bytes, size_t size_bytes) {
  if (writer->failed || size_bytes > SPI_MAX_FRAME_BYTES - writer->size_bytes) {
    writer->failed = true;
    return;
  }
  if (size_bytes > 0) memcpy(writer->bytes + writer->size_bytes, bytes, size_bytes);
  writer->size_bytes += size_bytes;
}

static void put_head(spi_writer* writer, uint8_t first, uint64_t value, size_t width) {
  uint8_t bytes[9] = {first};
  for (size_t at = 0; at < width; at++) bytes[width - at] = (uint8_t)(value >> (8 * at));
  put(writer, bytes, width + 1);
}

void spi_write_nil(spi_writer* writer) { put_head(writer, 0xc0, 0, 0); }

static void write_double(spi_writer* writer, double value) {
  uint64_t raw;
  memcpy(&raw, &value, sizeof raw);
  put_head(writer, 0xcb, raw, 8);
}

void spi_write_integer(spi_writer* writer, int64_t value) {
  if (value >= -32 && value < 128) {
    put_head(writer, (uint8_t)value, 0, 0);
  } else if (value > 0 && value <= UINT32_MAX) {
    const size_t width = value <= UINT8_MAX ? 1 : value <= UINT16_MAX ? 2 : 4;
    put_head(writer, width == 1 ? 0xcc : width == 2 ? 0xcd : 0xce, (uint64_t)value, width);
  } else if (value < 0 && value >= INT32_MIN) {
    const size_t width = value >= INT8_MIN ? 1 : value >= INT16_MIN ? 2 : 4;
    put_head(writer, width == 1 ? 0xd0 : width == 2 ? 0xd1 : 0xd2, (uint64_t)value, width);
  } else {
    write_double(writer, (double)value);
  }
}

void spi_write_number(spi_writer* writer, double value) {
  const bool is_small = value >= INT32_MIN && value <= UINT32_MAX;
  if (is_small && (double)(int64_t)value == value) {
    spi_write_integer(writer, (int64_t)value);
  } else {
    write_double(writer, value);
  }
}

void spi_write_text(spi_writer* writer, const char* text, size_t size_bytes) {
  if (size_bytes < 32) {
    put_head(writer, (uint8_t)(0xa0 | size_bytes), 0, 0);
  } else if (size_bytes <= UINT8_MAX) {
    put_head(writer, 0xd9, size_bytes, 1);
  } else if (size_bytes <= UINT16_MAX) {
    put_head(writer, 0xda, size_bytes, 2);
  } else {
    writer->failed = true;
  }
  put(writer, text, size_bytes);
}

void spi_write_binary(spi_writer* writer, const void* bytes, size_t size_bytes) {
  if (size_bytes <= UINT8_MAX) {
    put_head(writer, 0xc4, size_bytes, 1);
  } else if (size_bytes <= UINT16_MAX) {
    put_head(writer, 0xc5, size_bytes, 2);
  } else {
    writer->failed = true;
  }
  put(writer, bytes, size_bytes);
}

void spi_write_array(spi_writer* writer, size_t count) {
  if (count < 16) {
    put_head(writer, (uint8_t)(0x90 | count), 0, 0);
  } else if (count <= UINT16_MAX) {
    put_head(writer, 0xdc, count, 2);
  } else {
    writer->failed = true;
  }
}
