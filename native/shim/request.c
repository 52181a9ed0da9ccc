#define _GNU_SOURCE
#include "shim/request.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const int64_t kMaxSafe = ((int64_t)1 << 53) - 1;

static int write_text(spi_writer* writer, const char* text) {
  const size_t size_bytes = strlen(text);
  if (!spi_is_utf8((const uint8_t*)text, size_bytes)) return -EILSEQ;
  spi_write_text(writer, text, size_bytes);
  return 0;
}

static int write_texts(spi_writer* writer, const char* const* texts) {
  size_t count = 0;
  while (texts[count] != NULL) count++;
  spi_write_array(writer, count);
  for (size_t at = 0; at < count; at++) {
    const int wrong = write_text(writer, texts[at]);
    if (wrong != 0) return wrong;
  }
  return 0;
}

static int write_time(spi_writer* writer, struct timespec time) {
  if (time.tv_nsec == UTIME_NOW || time.tv_nsec == UTIME_OMIT) {
    spi_write_integer(writer, time.tv_nsec == UTIME_NOW ? 0 : 1);
    return 0;
  }
  if (time.tv_sec > kMaxSafe || time.tv_sec < -kMaxSafe) return -EINVAL;
  spi_write_array(writer, 2);
  spi_write_integer(writer, time.tv_sec);
  spi_write_integer(writer, time.tv_nsec);
  return 0;
}

static int write_field(spi_writer* writer, char type, const spi_field* field) {
  switch (type) {
    case 'p':
    case 's':
      return write_text(writer, field->text);
    case 'i':
      if (field->integer > kMaxSafe || field->integer < -kMaxSafe) return -EINVAL;
      spi_write_integer(writer, field->integer);
      return 0;
    case 'b':
      spi_write_binary(writer, field->binary.bytes, field->binary.size_bytes);
      return 0;
    case 't':
      return write_time(writer, field->time);
    case 'a':
      return write_texts(writer, field->texts);
    default:
      return -EINVAL;
  }
}

int spi_write_request(spi_writer* writer, uint32_t id, spi_op op, const spi_field* fields) {
  const char* types = spi_op_of(op)->fields;
  const size_t count = strlen(types);
  spi_write_array(writer, count + 2);
  spi_write_integer(writer, id);
  spi_write_integer(writer, op);
  for (size_t at = 0; at < count; at++) {
    const int wrong = write_field(writer, types[at], &fields[at]);
    if (wrong != 0) return wrong;
  }
  return writer->failed ? -EMSGSIZE : 0;
}

void spi_write_hello(spi_writer* writer) {
  spi_write_array(writer, 2);
  spi_write_text(writer, "sallyport", 9);
  spi_write_integer(writer, 1);
}
