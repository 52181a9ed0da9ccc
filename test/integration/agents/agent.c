// The C agent: does the acts that it reads, a line each, and prints the verdicts. A line is NAME, ACT, PATH,
// TO, TEXT and NUMBER, tab-separated, TEXT with \n for a new line: what comparison.test.ts makes of
// acts.json, so that no reader of JSON is needed here.
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sallyport.h"

typedef struct act {
  const char *name, *act, *path, *to, *text;
  long number;
} act;

static sp_client* client;
static sp_failure failure = SP_FAILURE_INIT;

static int written(int fd, const char* text) {
  if (write(fd, text, strlen(text)) != (ssize_t)strlen(text)) abort();
  return 0;
}

static int do_write(const act* what) {
  const int fd =
      sp_open(client, what->path, SP_OPEN_WRITE | SP_OPEN_CREATE | SP_OPEN_TRUNCATE, 0666, &failure);
  if (fd < 0) return fd;
  written(fd, what->text);
  return close(fd);
}

static int do_read(const act* what) {
  char found[256] = "";
  const int fd = sp_open(client, what->path, SP_OPEN_READ, 0, &failure);
  if (fd < 0) return fd;
  if (read(fd, found, sizeof found - 1) < 0 || strcmp(found, what->text) != 0) abort();
  return close(fd);
}

static int do_transaction(const act* what) {
  sp_transaction whole;
  const int wrong = sp_begin(client, what->path, 0666, &whole, &failure);
  if (wrong < 0) return wrong;
  written(whole.fd, what->text);
  return sp_commit(client, &whole, &failure);
}

static int do_stat(const act* what) {
  sp_status status;
  return sp_stat(client, what->path, SP_FOLLOW, &status, &failure);
}

static int do_list(const act* what) {
  sp_names names = SP_NAMES_INIT;
  const int result = sp_list(client, what->path, &names, &failure);
  sp_names_clear(&names);
  return result;
}

static int do_mkdir(const act* what) { return sp_mkdir(client, what->path, 0777, &failure); }
static int do_rename(const act* what) {
  return sp_rename(client, what->path, what->to, SP_REPLACE, &failure);
}
static int do_link(const act* what) { return sp_link(client, what->path, what->to, SP_NOFOLLOW, &failure); }
static int do_symlink(const act* what) { return sp_symlink(client, what->to, what->path, &failure); }
static int do_chmod(const act* what) {
  return sp_chmod(client, what->path, (mode_t)what->number, SP_FOLLOW, &failure);
}
static int do_truncate(const act* what) { return sp_truncate(client, what->path, what->number, &failure); }
static int do_read_cell(const act* what) {
  const sp_cell_range a1 = {0, 0, 0, 0};
  sp_cells cells = SP_CELLS_INIT;
  const int wrong = sp_read_cells(client, what->path, "Sheet1", &a1, &cells, &failure);
  if (wrong < 0) return wrong;
  const bool is_there = cells.columns == 1 && cells.rows == 1 && cells.entries[0].kind == SP_CELL_TEXT &&
                        strcmp(cells.entries[0].value.text, what->text) == 0;
  sp_cells_clear(&cells);
  if (!is_there) exit(3);
  return 0;
}
static int do_write_cell(const act* what) {
  const sp_cell cell = {SP_CELL_TEXT, {.text = what->text}};
  const sp_cells cells = {&cell, 1, 1, NULL};
  return sp_write_cells(client, what->path, "Sheet1", 0, 0, &cells, &failure);
}
static int do_unlink(const act* what) { return sp_unlink(client, what->path, SP_NAME_FILE, &failure); }

static const struct {
  const char* name;
  int (*act)(const act*);
} kActs[] = {
    {"read-cell", do_read_cell},
    {"write-cell", do_write_cell},
    {"write", do_write},
    {"read", do_read},
    {"transaction", do_transaction},
    {"stat", do_stat},
    {"list", do_list},
    {"mkdir", do_mkdir},
    {"rename", do_rename},
    {"link", do_link},
    {"symlink", do_symlink},
    {"chmod", do_chmod},
    {"truncate", do_truncate},
    {"unlink", do_unlink},
};

static void new_lines(char* text) {
  for (char* at = text; (at = strstr(at, "\\n")) != NULL; at++) {
    *at = '\n';
    memmove(at + 1, at + 2, strlen(at + 2) + 1);
  }
}

static void do_line(char* line) {
  char* fields[6];
  line[strcspn(line, "\n")] = 0;
  for (int at = 0; at < 6; at++) {
    fields[at] = strsep(&line, "\t");
    if (fields[at] == NULL) exit(2);
  }
  new_lines(fields[4]);
  const act what = {fields[0], fields[1], fields[2], fields[3], fields[4], strtol(fields[5], NULL, 10)};
  for (size_t at = 0; at < sizeof kActs / sizeof kActs[0]; at++) {
    if (strcmp(kActs[at].name, what.act) != 0) continue;
    if (kActs[at].act(&what) >= 0) {
      printf("{\"name\":\"%s\",\"ok\":true}\n", what.name);
    } else {
      printf("{\"name\":\"%s\",\"ok\":false,\"code\":\"%s\",\"errno\":\"%s\",\"rule\":\"%s\"}\n", what.name,
             sp_code_name(failure.code), strerrorname_np(failure.error),
             failure.denial == NULL ? "" : failure.denial->rule);
    }
    fflush(stdout);
    return;
  }
  printf("{\"name\":\"%s\",\"skipped\":\"the C agent has no act %s\"}\n", what.name, what.act);
}

int main(void) {
  char line[4096];
  if (sp_connect(&client, &failure) != 0) return 2;
  while (fgets(line, sizeof line, stdin) != NULL) do_line(line);
  sp_close(client);
  sp_failure_clear(&failure);
  return 0;
}
