#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "driver.h"

static int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static void decode(char* text) {
  char* to = text;
  for (const char* at = text; *at != 0; at++) {
    if (*at == '%' && at[1] != 0 && at[2] != 0) {
      *to++ = (char)(hex_digit(at[1]) << 4 | hex_digit(at[2]));
      at += 2;
    } else {
      *to++ = *at;
    }
  }
  *to = 0;
}

bool next_call(char* line, call* found) {
  if (fgets(line, MAX_LINE, stdin) == NULL) return false;
  line[strcspn(line, "\n")] = 0;
  found->count = 0;
  found->op = strsep(&line, "\t");
  while (line != NULL && found->count < MAX_FIELDS) found->fields[found->count++] = strsep(&line, "\t");
  return true;
}

static char* field(call* from, int at) {
  if (at < from->count) return from->fields[at];
  fprintf(stderr, "%s has no field %d\n", from->op, at);
  exit(2);
}

char* text_field(call* from, int at) {
  char* text = field(from, at);
  decode(text);
  return text;
}

long long number_field(call* from, int at) { return strtoll(field(from, at), NULL, 10); }

struct timespec time_field(call* from, int at) {
  const char* text = field(from, at);
  if (strcmp(text, "now") == 0) return (struct timespec){.tv_nsec = UTIME_NOW};
  if (strcmp(text, "keep") == 0) return (struct timespec){.tv_nsec = UTIME_OMIT};
  const __int128 whole = strtoll(text, NULL, 10);
  const __int128 billion = 1000000000;
  const __int128 rest = (whole % billion + billion) % billion;
  return (struct timespec){.tv_sec = (time_t)((whole - rest) / billion), .tv_nsec = (long)rest};
}

const char* const* list_field(call* from, int at) {
  static char* lists[4][MAX_LIST + 1];
  static int next;
  char** list = lists[next++ % 4];
  char* rest = field(from, at);
  const long count = strtol(strsep(&rest, ":"), NULL, 10);
  for (long entry = 0; entry < count; entry++) {
    list[entry] = strsep(&rest, ",");
    decode(list[entry]);
  }
  list[count] = NULL;
  return (const char* const*)list;
}

size_t binary_field(call* from, int at, uint8_t** bytes) {
  char* text = field(from, at);
  const size_t length = strlen(text) / 2;
  *bytes = (uint8_t*)text;
  for (size_t byte = 0; byte < length; byte++)
    (*bytes)[byte] = (uint8_t)(hex_digit(text[2 * byte]) << 4 | hex_digit(text[2 * byte + 1]));
  return length;
}

sp_cells cells_field(call* from, int at) {
  static sp_cell cells[4096];
  sp_cells found = {cells, 0, 0, NULL};
  size_t count = 0;
  char* rest = field(from, at);
  for (char* row; (row = strsep(&rest, ";")) != NULL; found.rows++) {
    for (char* one; (one = strsep(&row, ",")) != NULL; count++) {
      decode(one);
      const char* value = one + 1;
      switch (one[0]) {
        case 'n':
          cells[count] = (sp_cell){SP_CELL_NUMBER, {.number = strtod(value, NULL)}};
          break;
        case 's':
          cells[count] = (sp_cell){SP_CELL_TEXT, {.text = value}};
          break;
        case 'b':
          cells[count] = (sp_cell){SP_CELL_BOOLEAN, {.boolean = value[0] == '1'}};
          break;
        default:
          cells[count] = (sp_cell){.kind = SP_CELL_EMPTY};
      }
    }
  }
  found.columns = (uint32_t)(count / found.rows);
  return found;
}

static void print_text(const char* text) {
  putchar('"');
  for (const char* at = text; *at != 0; at++) {
    if (*at == '"' || *at == '\\') {
      printf("\\%c", *at);
    } else if ((unsigned char)*at < 0x20) {
      printf("\\u%04x", *at);
    } else {
      putchar(*at);
    }
  }
  putchar('"');
}

static void print_texts(const sp_texts* texts) {
  putchar('[');
  for (size_t at = 0; at < texts->count; at++) {
    if (at > 0) putchar(',');
    print_text(texts->entries[at]);
  }
  putchar(']');
}

static void print_denial(const sp_denial* denial) {
  printf("{\"op\":\"%s\",\"path\":", denial->op);
  print_text(denial->path);
  printf(",\"rule\":");
  print_text(denial->rule);
  printf(",\"reason\":");
  print_text(denial->reason);
  printf(",\"nextSteps\":");
  print_texts(&denial->next_steps);
  if (denial->layer != NULL) {
    printf(",\"layer\":");
    print_text(denial->layer);
    printf(",\"allowedRoots\":");
    print_texts(&denial->allowed_roots);
    printf(",\"retry\":\"%s\",\"retryAfterMs\":", denial->retryable > 0 ? "later" : "never");
    if (denial->retry_after_ms >= 0) {
      printf("%" PRId64, denial->retry_after_ms);
    } else {
      printf("null");
    }
  }
  putchar('}');
}

void print_failure(const sp_failure* failure) {
  printf("{\"ok\":false,\"code\":\"%s\",\"errno\":%d,\"message\":", sp_code_name(failure->code),
         failure->error);
  print_text(failure->message);
  printf(",\"denial\":");
  if (failure->denial == NULL) {
    printf("null");
  } else {
    print_denial(failure->denial);
  }
  puts("}");
}

void print_status(const sp_status* status) {
  static const char* const kKinds[] = {"file", "directory", "symlink", "fifo", "socket", "device"};
  printf("{\"ok\":true,\"value\":{\"kind\":\"%s\",\"mode\":%u,\"uid\":%u,\"gid\":%u,\"sizeBytes\":%" PRId64,
         kKinds[status->kind], status->mode, status->uid, status->gid, status->size_bytes);
  printf(",\"linkCount\":%u,\"modifiedMs\":%.17g,\"inode\":%.17g,\"device\":%.17g},\"descriptor\":false}\n",
         status->link_count, status->modified_ms, status->inode, status->device);
}

void print_names(const sp_texts* names) {
  printf("{\"ok\":true,\"value\":");
  print_texts(names);
  puts(",\"descriptor\":false}");
}

void print_number(const char* name, long long number, int descriptor) {
  printf("{\"ok\":true,\"value\":{\"%s\":%lld},\"descriptor\":%s}\n", name, number,
         descriptor >= 0 ? "true" : "false");
}

void print_done(int descriptor) {
  printf("{\"ok\":true,\"value\":null,\"descriptor\":%s}\n", descriptor >= 0 ? "true" : "false");
}

void print_challenge(const sp_challenge_parts* challenge) {
  printf("{\"ok\":true,\"value\":{\"nonce\":");
  print_text(challenge->nonce);
  printf(",\"channel\":");
  print_text(challenge->channel);
  printf(",\"audience\":");
  print_text(challenge->audience);
  puts("},\"descriptor\":false}");
}

static void print_cell(const sp_cell* cell) {
  switch (cell->kind) {
    case SP_CELL_EMPTY:
      printf("null");
      break;
    case SP_CELL_NUMBER:
      printf("%.17g", cell->value.number);
      break;
    case SP_CELL_TEXT:
      print_text(cell->value.text);
      break;
    case SP_CELL_BOOLEAN:
      printf(cell->value.boolean ? "true" : "false");
  }
}

void print_cells(const sp_cells* cells) {
  printf("{\"ok\":true,\"value\":{\"cells\":[");
  for (uint32_t at = 0; at < cells->columns * cells->rows; at++) {
    printf(at == 0 ? "[" : at % cells->columns == 0 ? "],[" : ",");
    print_cell(&cells->entries[at]);
  }
  puts("]]},\"descriptor\":false}");
}
