// Every call of the library, made in a run; argument 1 is a directory that the run may not touch.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"

static sp_client* client;
static sp_failure failure = SP_FAILURE_INIT;

static bool is(const char* path, const char* content) {
  char found[64] = "";
  const int fd = open(path, O_RDONLY);
  const ssize_t length = read(fd, found, sizeof found - 1);
  close(fd);
  return length >= 0 && strcmp(found, content) == 0;
}

static void put(int fd, const char* text) {
  CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text), NULL);
}

static void files(void) {
  int fd = sp_open(client, "f", SP_OPEN_WRITE | SP_OPEN_CREATE | SP_OPEN_EXCLUSIVE, 0640, &failure);
  CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, &failure);
  put(fd, "one\n");
  close(fd);
  CHECK(is("f", "one\n"), NULL);
  CHECK(sp_open(client, "f", SP_OPEN_WRITE | SP_OPEN_CREATE | SP_OPEN_EXCLUSIVE, 0, &failure) == -EEXIST,
        &failure);
  CHECK(failure.code == SP_SYSTEM && failure.error == EEXIST && failure.denial == NULL, &failure);
  fd = sp_open_linux(client, "./f", O_WRONLY | O_APPEND | O_CLOEXEC, 0, &failure);
  CHECK(fd >= 0, &failure);
  put(fd, "two\n");
  close(fd);
  CHECK(is("f", "one\ntwo\n"), NULL);
  CHECK(sp_open_linux(client, "f", O_RDONLY | O_ASYNC, 0, &failure) == -EINVAL, &failure);
  CHECK(sp_open(client, "missing", SP_OPEN_READ, 0, &failure) == -ENOENT && failure.code == SP_NOT_FOUND,
        &failure);
  sp_status status;
  CHECK(sp_stat(client, "f", SP_FOLLOW, &status, &failure) == 0, &failure);
  CHECK(status.kind == SP_KIND_FILE && status.size_bytes == 8 && (status.mode & 0777) == 0640, &failure);
  CHECK(sp_truncate(client, "f", 3, &failure) == 0 && is("f", "one"), &failure);
}

static void names(void) {
  CHECK(sp_mkdir(client, "d", 0755, &failure) == 0, &failure);
  CHECK(sp_rename(client, "f", "d/../d/g", SP_REPLACE, &failure) == 0 && is("d/g", "one"), &failure);
  CHECK(sp_link(client, "d/g", "h", SP_NOFOLLOW, &failure) == 0, &failure);
  CHECK(sp_rename(client, "d/g", "h", SP_REFUSE, &failure) == -EEXIST, &failure);
  CHECK(sp_symlink(client, "../h", "d/l", &failure) == 0, &failure);
  sp_status status;
  CHECK(sp_stat(client, "d/l", SP_NOFOLLOW, &status, &failure) == 0 && status.kind == SP_KIND_SYMLINK,
        &failure);
  CHECK(sp_mknod(client, "d/p", SP_NODE_FIFO, 0600, &failure) == 0, &failure);
  sp_names found = SP_NAMES_INIT;
  CHECK(sp_list(client, "d", &found, &failure) == 0 && found.names.count == 3, &failure);
  sp_names_clear(&found);
  CHECK(sp_unlink(client, "d/g", SP_NAME_FILE, &failure) == 0, &failure);
  CHECK(sp_unlink(client, "d/p", SP_NAME_FILE, &failure) == 0, &failure);
  CHECK(sp_unlink(client, "d", SP_NAME_DIRECTORY, &failure) == -ENOTEMPTY, &failure);
  CHECK(sp_unlink(client, "d/l", SP_NAME_FILE, &failure) == 0, &failure);
  CHECK(sp_unlink(client, "d", SP_NAME_DIRECTORY, &failure) == 0, &failure);
}

static void metadata(void) {
  struct stat status;
  const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {1000, 500}};
  CHECK(sp_chmod(client, "h", 0600, SP_FOLLOW, &failure) == 0, &failure);
  CHECK(sp_chown(client, "h", (uid_t)-1, (gid_t)-1, SP_FOLLOW, &failure) == 0, &failure);
  CHECK(sp_utimens(client, "h", times, SP_FOLLOW, &failure) == 0, &failure);
  CHECK(stat("h", &status) == 0 && (status.st_mode & 07777) == 0600, NULL);
  CHECK(status.st_mtim.tv_sec == 1000 && status.st_mtim.tv_nsec == 500, NULL);
  CHECK(sp_chmod(client, "h", 04755, SP_FOLLOW, &failure) == -EPERM && failure.code == SP_DENIED, &failure);
  const int set = sp_setxattr(client, "h", "user.t", "v\0w", 3, SP_XATTR_CREATE, SP_FOLLOW, &failure);
  char value[8];
  CHECK(set == -ENOTSUP || (set == 0 && getxattr("h", "user.t", value, sizeof value) == 3), &failure);
  if (set == 0) CHECK(sp_removexattr(client, "h", "user.t", SP_FOLLOW, &failure) == 0, &failure);
  CHECK(sp_setxattr(client, "h", "trusted.t", "v", 1, SP_XATTR_ANY, SP_FOLLOW, &failure) == -EPERM, &failure);
}

static void transactions(void) {
  sp_transaction write;
  CHECK(sp_begin(client, "h", 0644, &write, &failure) == 0, &failure);
  put(write.fd, "whole");
  CHECK(is("h", "one"), NULL);
  const int copy = dup(write.fd);
  CHECK(sp_commit(client, &write, &failure) == -EBUSY, &failure);
  close(copy);
  CHECK(sp_commit(client, &write, &failure) == 0 && is("h", "whole"), &failure);
  CHECK(sp_commit(client, &write, &failure) == -EINVAL, &failure);
  CHECK(sp_begin(client, "h", 0644, &write, &failure) == 0, &failure);
  CHECK(sp_discard(client, &write, &failure) == 0 && is("h", "whole"), &failure);
}

static void programs(void) {
  int ends[2];
  char said[64] = "";
  CHECK(pipe2(ends, O_CLOEXEC) == 0, NULL);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int fds[3] = {nothing, ends[1], 2};
  const char* const argv[] = {"sh", "-c", "echo $WHAT; pwd | grep -c workspace", NULL};
  const char* const env[] = {"WHAT=said", "PATH=/usr/bin:/bin", NULL};
  CHECK(sp_exec(client, "/bin/sh", argv, env, NULL, fds, 3, &failure) > 0, &failure);
  close(ends[1]);
  size_t length = 0;
  for (ssize_t got; (got = read(ends[0], said + length, sizeof said - 1 - length)) > 0;)
    length += (size_t)got;
  CHECK(strcmp(said, "said\n1\n") == 0, NULL);
  close(ends[0]);
  close(nothing);
  CHECK(sp_kill(client, getpid(), 0, &failure) == 0, &failure);
  CHECK(sp_kill(client, 1, 0, &failure) == -EPERM, &failure);
}

static void denials(const char* outside) {
  char path[4096], large[70000];
  snprintf(path, sizeof path, "%s/file", outside);
  CHECK(sp_open(client, path, SP_OPEN_WRITE, 0, &failure) == -EACCES && failure.code == SP_DENIED, &failure);
  if (CHECK(failure.denial != NULL, &failure)) {
    CHECK(strcmp(failure.denial->op, "open") == 0 && strcmp(failure.denial->path, path) == 0, &failure);
    CHECK(strcmp(failure.denial->rule, "default-deny") == 0 && failure.denial->next_steps.count == 1,
          &failure);
    CHECK(strstr(failure.denial->next_steps.entries[0], "--write") != NULL, &failure);
    CHECK(strcmp(failure.denial->layer, "profile") == 0 && failure.denial->retryable == 0, &failure);
    CHECK(failure.denial->allowed_roots.count > 0, &failure);
  }
  CHECK(sp_open(client, path, SP_OPEN_WRITE, 0, NULL) == -EACCES, NULL);
  CHECK(sp_socket_connect(client, "example.org", 80, &failure) == -EACCES, &failure);
  // What is wrong on this side leaves the channel as it was.
  CHECK(sp_mkdir(client, "bad\xff", 0755, &failure) == -EILSEQ && failure.code == SP_INVALID, &failure);
  memset(large, 'x', sizeof large);
  CHECK(
      sp_setxattr(client, "h", "user.t", large, sizeof large, SP_XATTR_ANY, SP_FOLLOW, &failure) == -EMSGSIZE,
      &failure);
  CHECK(sp_open(client, "h", 0, 0, &failure) == -EINVAL && failure.code == SP_INVALID, &failure);
  CHECK(sp_chmod(client, "", 0600, SP_FOLLOW, &failure) == -ENOENT, &failure);
}

static void children(void) {
  const pid_t child = fork();
  if (child == 0) {
    CHECK(sp_mkdir(client, "made-by-child", 0755, &failure) == 0, &failure);
    _exit(failed_checks > 0);
  }
  CHECK(sp_mkdir(client, "made-by-parent", 0755, &failure) == 0, &failure);
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0, NULL);
#ifndef __SANITIZE_THREAD__
  // ThreadSanitizer makes a fork of it.
  const pid_t memory = vfork();
  // What has the parent's memory and another pid may not speak for it.
  if (memory == 0) _exit(sp_mkdir(client, "made-by-vfork", 0755, NULL) != -EPIPE);
  CHECK(waitpid(memory, &status, 0) == memory && status == 0, NULL);
#endif
  CHECK(sp_mkdir(client, "made-after", 0755, &failure) == 0, &failure);
}

int main(int argc, char** argv) {
  if (argc < 2 || sp_connect(&client, &failure) != 0) {
    fprintf(stderr, "cannot connect: %s\n", failure.message);
    return 2;
  }
  CHECK(strlen(sp_run_id(client)) == 12 && sp_profile_name(client)[0] != 0, NULL);
  files();
  names();
  metadata();
  transactions();
  programs();
  denials(argv[1]);
  children();
  sp_close(client);
  sp_failure_clear(&failure);
  puts(failed_checks == 0 ? "every call is as it must be" : "not as it must be");
  return failed_checks > 0;
}
