// The C library in the conformance suite (test/integration/conformance.test.ts): makes the calls of a script,
// see driver.h.
#define _GNU_SOURCE
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// What came of a call without value.
static void plain(int result, const sp_failure* failure) {
  if (result < 0) {
    print_failure(failure);
  } else {
    print_done(-1);
  }
}

static void descriptor(int fd, const sp_failure* failure) {
  if (fd < 0) return print_failure(failure);
  print_done(fd);
  close(fd);
}

static void call_open(sp_client* client, call* line, sp_failure* failure) {
  descriptor(sp_open(client, text_field(line, 0), (uint32_t)number_field(line, 1),
                     (mode_t)number_field(line, 2), failure),
             failure);
}

static void call_stat(sp_client* client, call* line, sp_failure* failure) {
  sp_status status;
  if (sp_stat(client, text_field(line, 0), (sp_follow)number_field(line, 1), &status, failure) < 0)
    return print_failure(failure);
  print_status(&status);
}

static void call_list(sp_client* client, call* line, sp_failure* failure) {
  sp_names names = SP_NAMES_INIT;
  if (sp_list(client, text_field(line, 0), &names, failure) < 0) return print_failure(failure);
  print_names(&names.names);
  sp_names_clear(&names);
}

static void call_mkdir(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_mkdir(client, text_field(line, 0), (mode_t)number_field(line, 1), failure), failure);
}

static void call_mknod(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_mknod(client, text_field(line, 0), (sp_node)number_field(line, 1), (mode_t)number_field(line, 2),
                 failure),
        failure);
}

static void call_unlink(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_unlink(client, text_field(line, 0), (sp_name)number_field(line, 1), failure), failure);
}

static void call_rename(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_rename(client, text_field(line, 0), text_field(line, 1), (sp_existing)number_field(line, 2),
                  failure),
        failure);
}

static void call_link(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_link(client, text_field(line, 0), text_field(line, 1), (sp_follow)number_field(line, 2), failure),
        failure);
}

static void call_symlink(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_symlink(client, text_field(line, 0), text_field(line, 1), failure), failure);
}

static void call_chmod(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_chmod(client, text_field(line, 0), (mode_t)number_field(line, 1), (sp_follow)number_field(line, 2),
                 failure),
        failure);
}

static void call_chown(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_chown(client, text_field(line, 0), (uid_t)number_field(line, 1), (gid_t)number_field(line, 2),
                 (sp_follow)number_field(line, 3), failure),
        failure);
}

static void call_utimens(sp_client* client, call* line, sp_failure* failure) {
  const struct timespec times[2] = {time_field(line, 1), time_field(line, 2)};
  plain(sp_utimens(client, text_field(line, 0), times, (sp_follow)number_field(line, 3), failure), failure);
}

static void call_truncate(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_truncate(client, text_field(line, 0), number_field(line, 1), failure), failure);
}

static void call_setxattr(sp_client* client, call* line, sp_failure* failure) {
  uint8_t* value;
  const size_t value_bytes = binary_field(line, 2, &value);
  plain(sp_setxattr(client, text_field(line, 0), text_field(line, 1), value, value_bytes,
                    (sp_xattr_existing)number_field(line, 3), (sp_follow)number_field(line, 4), failure),
        failure);
}

static void call_removexattr(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_removexattr(client, text_field(line, 0), text_field(line, 1), (sp_follow)number_field(line, 2),
                       failure),
        failure);
}

static void call_exec(sp_client* client, call* line, sp_failure* failure) {
  const int64_t handle = line->count > 4 ? number_field(line, 4) : -1;
  const char* const* argv = list_field(line, 1);
  const int pid = sp_exec_with(client, handle, text_field(line, 0), argv, list_field(line, 2),
                               text_field(line, 3), NULL, 0, failure);
  if (pid < 0) return print_failure(failure);
  print_number("pid", pid, -1);
}

static void call_begin(sp_client* client, call* line, sp_failure* failure) {
  sp_transaction begun;
  if (sp_begin(client, text_field(line, 0), (mode_t)number_field(line, 1), &begun, failure) < 0)
    return print_failure(failure);
  print_number("transaction", begun.number, begun.fd);
  close(begun.fd);
  free(begun.path);
}

static sp_transaction begun_before(call* line) {
  return (sp_transaction){-1, (uint32_t)number_field(line, 1), strdup(text_field(line, 0))};
}

static void call_commit(sp_client* client, call* line, sp_failure* failure) {
  sp_transaction begun = begun_before(line);
  plain(sp_commit(client, &begun, failure), failure);
  free(begun.path);
}

static void call_discard(sp_client* client, call* line, sp_failure* failure) {
  sp_transaction begun = begun_before(line);
  plain(sp_discard(client, &begun, failure), failure);
  free(begun.path);
}

static void call_connect(sp_client* client, call* line, sp_failure* failure) {
  descriptor(sp_socket_connect(client, text_field(line, 0), (uint16_t)number_field(line, 1), failure),
             failure);
}

static void call_bind(sp_client* client, call* line, sp_failure* failure) {
  descriptor(sp_socket_listen(client, (uint16_t)number_field(line, 0), failure), failure);
}

static void call_resolve(sp_client* client, call* line, sp_failure* failure) {
  sp_names addresses = SP_NAMES_INIT;
  if (sp_resolve(client, text_field(line, 0), &addresses, failure) < 0) return print_failure(failure);
  print_names(&addresses.names);
  sp_names_clear(&addresses);
}

static void call_kill(sp_client* client, call* line, sp_failure* failure) {
  plain(sp_kill(client, (pid_t)number_field(line, 0), (int)number_field(line, 1), failure), failure);
}

static void call_challenge(sp_client* client, call* line, sp_failure* failure) {
  (void)line;
  sp_challenge_parts challenge;
  if (sp_challenge(client, &challenge, failure) < 0) return print_failure(failure);
  print_challenge(&challenge);
}

static void call_present(sp_client* client, call* line, sp_failure* failure) {
  int64_t handle;
  const char* proof = text_field(line, 1);
  if (sp_present(client, text_field(line, 0), proof[0] == 0 ? NULL : proof, &handle, failure) < 0)
    return print_failure(failure);
  print_number("handle", handle, -1);
}

static void call_read_cells(sp_client* client, call* line, sp_failure* failure) {
  const char* const* ends = list_field(line, 2);
  const sp_cell_range range = {(uint32_t)atol(ends[0]), (uint32_t)atol(ends[1]), (uint32_t)atol(ends[2]),
                               (uint32_t)atol(ends[3])};
  sp_cells cells = SP_CELLS_INIT;
  if (sp_read_cells(client, text_field(line, 0), text_field(line, 1), &range, &cells, failure) < 0)
    return print_failure(failure);
  print_cells(&cells);
  sp_cells_clear(&cells);
}

static void call_write_cells(sp_client* client, call* line, sp_failure* failure) {
  const char* const* place = list_field(line, 2);
  const sp_cells cells = cells_field(line, 3);
  plain(sp_write_cells(client, text_field(line, 0), text_field(line, 1), (uint32_t)atol(place[0]),
                       (uint32_t)atol(place[1]), &cells, failure),
        failure);
}

static const struct {
  const char* op;
  void (*call)(sp_client*, call*, sp_failure*);
} kCalls[] = {
    {"open", call_open},
    {"stat", call_stat},
    {"list", call_list},
    {"mkdir", call_mkdir},
    {"mknod", call_mknod},
    {"unlink", call_unlink},
    {"rename", call_rename},
    {"link", call_link},
    {"symlink", call_symlink},
    {"chmod", call_chmod},
    {"chown", call_chown},
    {"utimens", call_utimens},
    {"truncate", call_truncate},
    {"setxattr", call_setxattr},
    {"removexattr", call_removexattr},
    {"exec", call_exec},
    {"begin", call_begin},
    {"commit", call_commit},
    {"discard", call_discard},
    {"connect", call_connect},
    {"bind", call_bind},
    {"resolve", call_resolve},
    {"kill", call_kill},
    {"challenge", call_challenge},
    {"present", call_present},
    {"read-cells", call_read_cells},
    {"write-cells", call_write_cells},
};

static void make(sp_client* client, call* line, sp_failure* failure) {
  for (size_t at = 0; at < sizeof kCalls / sizeof kCalls[0]; at++)
    if (strcmp(kCalls[at].op, line->op) == 0) return kCalls[at].call(client, line, failure);
  fprintf(stderr, "no such call: %s\n", line->op);
  exit(2);
}

int main(void) {
  static char line[MAX_LINE];
  call next;
  sp_failure failure = SP_FAILURE_INIT;
  while (next_call(line, &next)) {
    sp_client* client;
    if (sp_connect(&client, &failure) < 0) {
      print_failure(&failure);
    } else {
      make(client, &next, &failure);
      sp_close(client);
    }
    fflush(stdout);
  }
  sp_failure_clear(&failure);
  return 0;
}
