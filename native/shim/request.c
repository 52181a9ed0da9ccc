#define _GNU_SOURCE
#include "shim/request.h"

#include <errno.h>
#include <math.h>
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

static int write_cell(spi_writer* writer, const sp_cell* cell) {
  switch (cell->kind) {
    case SP_CELL_EMPTY:
      spi_write_nil(writer);
      return 0;
    case SP_CELL_NUMBER:
      if (!isfinite(cell->value.number)) return -EINVAL;
      spi_write_number(writer, cell->value.number);
      return 0;
    case SP_CELL_TEXT:
      return write_text(writer, cell->value.text);
    case SP_CELL_BOOLEAN: {
      // A frame holds no booleans: of a cell it is one byte.
      const uint8_t byte = cell->value.boolean != 0;
      spi_write_binary(writer, &byte, 1);
      return 0;
    }
  }
  return -EINVAL;
}

static int write_cells(spi_writer* writer, const sp_cells* cells) {
  const uint64_t count = (uint64_t)cells->columns * cells->rows;
  if (count == 0 || count > SPI_MAX_CELLS) return -EINVAL;
  spi_write_array(writer, cells->rows);
  for (uint64_t at = 0; at < count; at++) {
    if (at % cells->columns == 0) spi_write_array(writer, cells->columns);
    const int wrong = write_cell(writer, &cells->entries[at]);
    if (wrong != 0) return wrong;
  }
  return 0;
}

static int write_field(spi_writer* writer, char type, const spi_field* field) {
  switch (type) {
    case 'p':
    case 's':
      return write_text(writer, field->text);
    case 'i':
    case 'h':
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
    case 'n':
      spi_write_array(writer, field->integers.count);
      for (size_t at = 0; at < field->integers.count; at++)
        spi_write_integer(writer, field->integers.entries[at]);
      return 0;
    case 'c':
      return write_cells(writer, field->cells);
    default:
      return -EINVAL;
  }
}

int spi_write_request(spi_writer* writer, uint32_t id, spi_op op, const spi_field* fields) {
  const char* types = spi_op_of(op)->fields;
  size_t count = strlen(types);
  if (count > 0 && types[count - 1] == 'h' && fields[count - 1].integer < 0) count--;
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
