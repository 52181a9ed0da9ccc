// Reads replies that are almost replies: each file of the arguments, changed in a way that the seed says.
// mutate SEED COUNT FILE… Built with sanitizers; the frame lies in memory of its very size.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/msgpack.h"
#include "shim/reply.h"

enum { MAX_FILES = 1024 };

typedef struct frame {
  uint8_t* bytes;
  size_t size_bytes;
} frame;

static frame files[MAX_FILES];
static size_t file_count;
static uint64_t state;

/// xorshift64*
static uint32_t choose(uint32_t below) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 0x2545F4914F6CDD1DULL) >> 32) % below;
}

static void read_file(const char* name) {
  FILE* file = fopen(name, "rb");
  if (file == NULL || file_count == MAX_FILES) exit(2);
  frame* read = &files[file_count++];
  read->bytes = malloc(SPI_MAX_FRAME_BYTES + 1);
  read->size_bytes = fread(read->bytes, 1, SPI_MAX_FRAME_BYTES + 1, file);
  fclose(file);
}

static const uint8_t kHeads[] = {0x00, 0x7f, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0, 0xc4, 0xc6, 0xcb, 0xcc,
                                 0xcf, 0xd0, 0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xe0, 0xff, 0x80, 0xc1, 0xc3};

/// Changes the frame in its buffer, which has room for one and a half frames.
static void mutate(frame* changed) {
  const uint32_t size = (uint32_t)changed->size_bytes;
  const uint32_t at = size > 0 ? choose(size) : 0;
  const frame* other = &files[choose((uint32_t)file_count)];
  switch (choose(7)) {
    case 0:
      if (size > 0) changed->bytes[at] = (uint8_t)choose(256);
      break;
    case 1:
      if (size > 0) changed->bytes[at] = kHeads[choose(sizeof kHeads)];
      break;
    case 2:
      if (size > 0) changed->bytes[at] ^= (uint8_t)(1 << choose(8));
      break;
    case 3:
      changed->size_bytes = at;
      break;
    case 4:
      memmove(changed->bytes + at + 1, changed->bytes + at, size - at);
      changed->bytes[at] = kHeads[choose(sizeof kHeads)];
      changed->size_bytes++;
      break;
    case 5:
      if (size > 0) memmove(changed->bytes + at, changed->bytes + at + 1, size - at - 1);
      if (size > 0) changed->size_bytes--;
      break;
    default: {
      // The tail of another one.
      const uint32_t from = other->size_bytes > 0 ? choose((uint32_t)other->size_bytes) : 0;
      const size_t tail = other->size_bytes - from;
      memcpy(changed->bytes + at, other->bytes + from, tail);
      changed->size_bytes = at + tail;
    }
  }
  if (changed->size_bytes > SPI_MAX_FRAME_BYTES + 1) changed->size_bytes = SPI_MAX_FRAME_BYTES + 1;
}

static size_t read_texts(const sp_texts* texts) {
  size_t bytes = 0;
  for (size_t at = 0; at < texts->count; at++) bytes += strlen(texts->entries[at]);
  return bytes;
}

/// Reads all that a reply holds: what it says is there must be.
static void look_at(const spi_reply* reply, size_t size_bytes) {
  size_t bytes = strlen(reply->message) + read_texts(&reply->names);
  if (reply->denial != NULL) {
    const sp_denial* denial = reply->denial;
    bytes += strlen(denial->path) + strlen(denial->rule) + strlen(denial->reason) +
             read_texts(&denial->next_steps);
    bytes += read_texts(&denial->allowed_roots) + (denial->layer != NULL ? strlen(denial->layer) : 0);
    if (denial->op[0] == 0) abort();
  }
  const int is_failure = reply->code != SP_OK;
  if (bytes > size_bytes || is_failure != (reply->error != 0) || (reply->denial != NULL && !is_failure))
    abort();
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  state = strtoull(argv[1], NULL, 10) * 2 + 1;
  const long count = strtol(argv[2], NULL, 10);
  for (int at = 3; at < argc; at++) read_file(argv[at]);
  static uint8_t buffer[3 * SPI_MAX_FRAME_BYTES];
  long read = 0;
  for (long round = 0; round < count; round++) {
    const frame* from = &files[choose((uint32_t)file_count)];
    frame changed = {buffer, from->size_bytes};
    memcpy(buffer, from->bytes, from->size_bytes);
    for (uint32_t left = 1 + choose(4); left > 0; left--) mutate(&changed);
    uint8_t* exact = malloc(changed.size_bytes > 0 ? changed.size_bytes : 1);
    memcpy(exact, buffer, changed.size_bytes);
    spi_reply* reply = NULL;
    spi_hello hello;
    if (spi_read_reply(exact, changed.size_bytes, &reply) == SP_OK) {
      look_at(reply, changed.size_bytes);
      read++;
    }
    spi_reply_free(reply);
    spi_read_hello(exact, changed.size_bytes, &hello);
    free(exact);
  }
  for (size_t at = 0; at < file_count; at++) free(files[at].bytes);
  printf("%ld changed replies, %ld of them still replies\n", count, read);
  return 0;
}
