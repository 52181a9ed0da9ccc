#include "shim/reply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shim/msgpack.h"
#include "shim/words.h"

/// Memory for what a reply holds. Texts and lists of one frame together need less than its size and a pointer
/// a byte.
typedef struct arena {
  uint8_t* at;
  uint8_t* end;
} arena;

static void* take(arena* memory, size_t size_bytes) {
  const size_t rounded = (size_bytes + sizeof(void*) - 1) / sizeof(void*) * sizeof(void*);
  if (rounded > (size_t)(memory->end - memory->at)) abort();
  void* taken = memory->at;
  memory->at += rounded;
  return taken;
}

static bool read_integer(spi_cursor* cursor, int64_t low, int64_t high, int64_t* integer) {
  const spi_value value = spi_next(cursor);
  *integer = value.integer;
  return value.type == SPI_INTEGER && value.is_safe && value.integer >= low && value.integer <= high;
}

/// For figures that only inform, such as an inode above 2^53.
static bool read_figure(spi_cursor* cursor, double* figure) {
  const spi_value value = spi_next(cursor);
  *figure = value.number;
  return (value.type == SPI_INTEGER || value.type == SPI_FLOAT) && isfinite(value.number);
}

static bool read_array(spi_cursor* cursor, uint32_t low, uint32_t high, uint32_t* count) {
  const spi_value value = spi_next(cursor);
  *count = value.length;
  return value.type == SPI_ARRAY && value.length >= low && value.length <= high;
}

static bool is_text(const spi_value* value, size_t low_bytes, size_t high_bytes) {
  return value->type == SPI_TEXT && value->length >= low_bytes && value->length <= high_bytes &&
         (value->length == 0 || memchr(value->bytes, 0, value->length) == NULL);
}

/// Text without NUL, since everybody who gets it reads it only so far.
static bool read_text(spi_cursor* cursor, arena* memory, size_t low_bytes, size_t high_bytes,
                      const char** text) {
  const spi_value value = spi_next(cursor);
  if (!is_text(&value, low_bytes, high_bytes)) return false;
  char* copy = take(memory, value.length + 1);
  memcpy(copy, value.bytes, value.length);
  copy[value.length] = 0;
  *text = copy;
  return true;
}

static bool read_texts(spi_cursor* cursor, arena* memory, uint32_t max_count, size_t max_bytes,
                       sp_texts* texts) {
  uint32_t count;
  if (!read_array(cursor, 0, max_count, &count)) return false;
  const char** entries = take(memory, count * sizeof *entries);
  for (uint32_t at = 0; at < count; at++)
    if (!read_text(cursor, memory, 0, max_bytes, &entries[at])) return false;
  *texts = (sp_texts){entries, count};
  return true;
}

static bool read_status(spi_cursor* cursor, sp_status* status) {
  int64_t kind, mode, uid, gid, links;
  const bool is_whole =
      read_integer(cursor, 0, SPI_STAT_KINDS - 1, &kind) && read_integer(cursor, 0, 0xffff, &mode) &&
      read_integer(cursor, 0, UINT32_MAX, &uid) && read_integer(cursor, 0, UINT32_MAX, &gid) &&
      read_integer(cursor, 0, INT64_MAX, &status->size_bytes) &&
      read_integer(cursor, 0, UINT32_MAX, &links) && read_figure(cursor, &status->modified_ms) &&
      read_figure(cursor, &status->inode) && read_figure(cursor, &status->device);
  if (!is_whole) return false;
  status->kind = (sp_kind)kind;
  status->mode = (uint32_t)mode;
  status->uid = (uint32_t)uid;
  status->gid = (uint32_t)gid;
  status->link_count = (uint32_t)links;
  return true;
}

static bool read_cell(spi_cursor* cursor, arena* memory, sp_cell* cell) {
  spi_cursor behind = *cursor;
  const spi_value value = spi_next(&behind);
  switch (value.type) {
    case SPI_NIL:
      cell->kind = SP_CELL_EMPTY;
      break;
    case SPI_INTEGER:
    case SPI_FLOAT:
      cell->kind = SP_CELL_NUMBER;
      return read_figure(cursor, &cell->value.number);
    case SPI_TEXT:
      cell->kind = SP_CELL_TEXT;
      return read_text(cursor, memory, 0, SPI_MAX_CELL_BYTES, &cell->value.text);
    case SPI_BINARY:
      if (value.length != 1 || value.bytes[0] > 1) return false;
      cell->kind = SP_CELL_BOOLEAN;
      cell->value.boolean = value.bytes[0];
      break;
    default:
      return false;
  }
  *cursor = behind;
  return true;
}

/// Rows of equal length, none empty.
static bool read_cells(spi_cursor* cursor, arena* memory, sp_cells* cells) {
  uint32_t rows, columns, width;
  if (!read_array(cursor, 1, SPI_MAX_CELLS, &rows)) return false;
  spi_cursor first = *cursor;
  if (!read_array(&first, 1, SPI_MAX_CELLS / rows, &columns)) return false;
  // Every cell has a byte at least: a head that lies has no room taken for it.
  if ((size_t)rows * columns > (size_t)(cursor->end - cursor->at)) return false;
  sp_cell* entries = take(memory, (size_t)rows * columns * sizeof *entries);
  *cells = (sp_cells){entries, columns, rows, NULL};
  for (uint32_t row = 0; row < rows; row++) {
    if (!read_array(cursor, columns, columns, &width)) return false;
    for (uint32_t column = 0; column < columns; column++)
      if (!read_cell(cursor, memory, entries++)) return false;
  }
  return true;
}

static bool read_challenge(spi_cursor* cursor, arena* memory, const char* parts[3]) {
  for (size_t at = 0; at < 3; at++)
    if (!read_text(cursor, memory, 1, 255, &parts[at])) return false;
  return true;
}

static bool read_value(spi_cursor* cursor, arena* memory, spi_reply* reply) {
  const spi_value value = spi_next(cursor);
  if (value.type == SPI_NIL) {
    reply->value = SPI_VALUE_NONE;
    return true;
  }
  int64_t kind;
  if (value.type != SPI_ARRAY || value.length == 0 || !read_integer(cursor, 0, SPI_VALUE_CELLS, &kind))
    return false;
  reply->value = (int)kind;
  const uint32_t length = kind == SPI_VALUE_STAT ? 10 : kind == SPI_VALUE_CHALLENGE ? 4 : 2;
  if (value.length != length) return false;
  switch (kind) {
    case SPI_VALUE_STAT:
      return read_status(cursor, &reply->status);
    case SPI_VALUE_NAMES:
      return read_texts(cursor, memory, SPI_MAX_LIST_ENTRIES, SPI_MAX_NAME_BYTES, &reply->names);
    case SPI_VALUE_PID:
      return read_integer(cursor, 1, INT32_MAX, &reply->number);
    case SPI_VALUE_CHALLENGE:
      return read_challenge(cursor, memory, reply->challenge);
    case SPI_VALUE_HANDLE:
      return read_integer(cursor, 0, INT64_MAX, &reply->number);
    case SPI_VALUE_CELLS:
      return read_cells(cursor, memory, &reply->cells);
    default:
      return read_integer(cursor, 1, UINT32_MAX, &reply->number);
  }
}

/// What the array has behind the five entries of the first brokers.
static bool read_later_fields(spi_cursor* cursor, arena* memory, sp_denial* denial) {
  int64_t layer, retryable;
  if (!read_integer(cursor, 0, INT32_MAX, &layer) ||
      (denial->layer = spi_denial_layer((size_t)layer)) == NULL ||
      !read_texts(cursor, memory, SPI_MAX_ALLOWED_ROOTS, SPI_MAX_PATH_BYTES, &denial->allowed_roots) ||
      !read_integer(cursor, 0, 1, &retryable))
    return false;
  denial->retryable = (int)retryable;
  const spi_value wait = spi_next(cursor);
  denial->retry_after_ms = wait.type == SPI_NIL ? -1 : wait.integer;
  return wait.type == SPI_NIL || (wait.type == SPI_INTEGER && wait.is_safe && wait.integer >= 0);
}

static bool read_denial(spi_cursor* cursor, arena* memory, spi_reply* reply) {
  const spi_value value = spi_next(cursor);
  if (value.type == SPI_NIL) return true;
  if (value.type != SPI_ARRAY || (value.length != 5 && value.length != 9)) return false;
  sp_denial* denial = take(memory, sizeof *denial);
  *denial = (sp_denial){.layer = NULL, .retryable = -1, .retry_after_ms = -1};
  int64_t op;
  const bool is_whole =
      read_integer(cursor, 0, INT32_MAX, &op) && (denial->op = spi_denied_op((size_t)op)) != NULL &&
      read_text(cursor, memory, 0, SPI_MAX_PATH_BYTES, &denial->path) &&
      read_text(cursor, memory, 1, SPI_MAX_TEXT_BYTES, &denial->rule) &&
      read_text(cursor, memory, 0, SPI_MAX_TEXT_BYTES, &denial->reason) &&
      read_texts(cursor, memory, SPI_MAX_NEXT_STEPS, SPI_MAX_TEXT_BYTES, &denial->next_steps);
  reply->denial = denial;
  return is_whole && (value.length == 5 || read_later_fields(cursor, memory, denial));
}

static bool is_errno_name(const char* name) {
  if (name[0] != 'E' || name[1] == 0) return false;
  for (const char* at = name + 1; *at != 0; at++)
    if (!((*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9'))) return false;
  return true;
}

static bool read_parts(spi_cursor* cursor, arena* memory, spi_reply* reply) {
  const spi_value frame = spi_next(cursor);
  int64_t id, code;
  if (frame.type != SPI_ARRAY || frame.length < 2) return false;
  if (!read_integer(cursor, 0, UINT32_MAX, &id) || !read_integer(cursor, 0, SPI_CODES, &code)) return false;
  reply->id = (uint32_t)id;
  reply->code = (sp_code)code;
  if (code == SP_OK) return frame.length == 3 && read_value(cursor, memory, reply);
  const char* name;
  if (frame.length != 5 || !read_text(cursor, memory, 1, 32, &name) || !is_errno_name(name)) return false;
  reply->error = spi_errno_number(name);
  return read_text(cursor, memory, 0, SPI_MAX_TEXT_BYTES, &reply->message) &&
         read_denial(cursor, memory, reply);
}

sp_code spi_read_reply(const uint8_t* bytes, size_t size_bytes, spi_reply** reply) {
  if (!spi_scan(bytes, size_bytes)) return SP_PROTOCOL;
  // A byte of the frame is at most a cell with an empty text: its end, rounded up, beside it.
  const size_t room =
      sizeof(spi_reply) + sizeof(sp_denial) + (sizeof(sp_cell) + sizeof(void*)) * (size_bytes + 1);
  spi_reply* made = calloc(1, room);
  if (made == NULL) return SP_LIMIT;
  made->message = "";
  made->value = SPI_VALUE_NONE;
  arena memory = {(uint8_t*)(made + 1), (uint8_t*)made + room};
  spi_cursor cursor = {bytes, bytes + size_bytes};
  if (!read_parts(&cursor, &memory, made)) {
    free(made);
    return SP_INVALID;
  }
  *reply = made;
  return SP_OK;
}

void spi_reply_free(spi_reply* reply) { free(reply); }

static bool copy_text(spi_cursor* cursor, char text[256]) {
  const spi_value value = spi_next(cursor);
  if (!is_text(&value, 1, 255)) return false;
  memcpy(text, value.bytes, value.length);
  text[value.length] = 0;
  return true;
}

sp_code spi_read_hello(const uint8_t* bytes, size_t size_bytes, spi_hello* hello) {
  if (!spi_scan(bytes, size_bytes)) return SP_PROTOCOL;
  spi_cursor cursor = {bytes, bytes + size_bytes};
  uint32_t count;
  int64_t version;
  if (!read_array(&cursor, 4, 4, &count)) return SP_INVALID;
  const spi_value magic = spi_next(&cursor);
  if (magic.type != SPI_TEXT || magic.length != 9 || memcmp(magic.bytes, "sallyport", 9) != 0)
    return SP_INVALID;
  if (!read_integer(&cursor, 0, UINT32_MAX, &version)) return SP_INVALID;
  if (version != 1) return SP_PROTOCOL;
  return copy_text(&cursor, hello->run_id) && copy_text(&cursor, hello->profile_name) ? SP_OK : SP_INVALID;
}
