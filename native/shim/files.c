// The operations on files: each makes its fields and asks.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "shim/client.h"
#include "shim/path.h"

int sp_open(sp_client* client, const char* path, uint32_t flags, mode_t mode, sp_failure* failure) {
  char absolute[SPI_PATH_ROOM];
  int wrong = spi_path(path, absolute, failure);
  if (wrong != 0) return wrong;
  const spi_field fields[] = {{.text = absolute}, {.integer = flags}, {.integer = mode}};
  spi_answer answer;
  wrong = spi_ask(client, SPI_OPEN, fields, NULL, 0, &answer, failure);
  if (wrong != 0) return wrong;
  spi_reply_free(answer.reply);
  return answer.fd;
}

/// Flags of open(2) without meaning for the broker: what it gives is close-on-exec and no controlling
/// terminal.
static const int kMeaningless = O_CLOEXEC | O_NOCTTY | O_LARGEFILE;

static const struct {
  int linux_flag;
  uint32_t flag;
} kFlags[] = {
    {O_CREAT, SP_OPEN_CREATE},      {O_EXCL, SP_OPEN_EXCLUSIVE},      {O_TRUNC, SP_OPEN_TRUNCATE},
    {O_TMPFILE, SP_OPEN_TEMPORARY}, {O_DIRECTORY, SP_OPEN_DIRECTORY}, {O_NOFOLLOW, SP_OPEN_NOFOLLOW},
    {O_SYNC, SP_OPEN_SYNC},         {O_NONBLOCK, SP_OPEN_NONBLOCK},   {O_DIRECT, SP_OPEN_DIRECT},
    {O_NOATIME, SP_OPEN_NOATIME},
};

int sp_open_linux(sp_client* client, const char* path, int flags, mode_t mode, sp_failure* failure) {
  uint32_t asked;
  switch (flags & O_ACCMODE) {
    case O_RDONLY:
      asked = SP_OPEN_READ;
      break;
    case O_WRONLY:
      asked = SP_OPEN_WRITE;
      break;
    case O_RDWR:
      asked = SP_OPEN_READ | SP_OPEN_WRITE;
      break;
    default:
      return spi_fail(failure, SP_INVALID, EINVAL, "open(2) defines no such access");
  }
  if ((flags & O_APPEND) != 0 && (flags & O_ACCMODE) != O_RDONLY) asked |= SP_OPEN_APPEND;
  int left = flags & ~(kMeaningless | O_ACCMODE | O_APPEND);
  for (size_t at = 0; at < sizeof kFlags / sizeof kFlags[0]; at++) {
    // O_TMPFILE holds the bit of O_DIRECTORY, O_SYNC that of O_DSYNC: the larger one first, then its bits are
    // gone.
    if ((left & kFlags[at].linux_flag) != kFlags[at].linux_flag) continue;
    asked |= kFlags[at].flag;
    left &= ~kFlags[at].linux_flag;
  }
  if (left != 0)
    return spi_fail(failure, SP_INVALID, EINVAL, "a flag of open(2) that the broker does not know");
  return sp_open(client, path, asked, mode & 07777, failure);
}

int sp_stat(sp_client* client, const char* path, sp_follow follow, sp_status* status, sp_failure* failure) {
  char absolute[SPI_PATH_ROOM];
  int wrong = spi_path(path, absolute, failure);
  if (wrong != 0) return wrong;
  const spi_field fields[] = {{.text = absolute}, {.integer = follow}};
  spi_answer answer;
  wrong = spi_ask(client, SPI_STAT, fields, NULL, 0, &answer, failure);
  if (wrong != 0) return wrong;
  *status = answer.reply->status;
  spi_reply_free(answer.reply);
  return 0;
}

int sp_list(sp_client* client, const char* path, sp_names* names, sp_failure* failure) {
  char absolute[SPI_PATH_ROOM];
  int wrong = spi_path(path, absolute, failure);
  if (wrong != 0) return wrong;
  const spi_field fields[] = {{.text = absolute}};
  spi_answer answer;
  wrong = spi_ask(client, SPI_LIST, fields, NULL, 0, &answer, failure);
  if (wrong != 0) return wrong;
  *names = (sp_names){answer.reply->names, answer.reply};
  return 0;
}

void sp_names_clear(sp_names* names) {
  spi_reply_free(names->storage);
  *names = (sp_names)SP_NAMES_INIT;
}

/// An operation on one path, with further fields behind it; the first one is filled in here.
static int ask_about(sp_client* client, spi_op op, const char* path, spi_field* fields, sp_failure* failure) {
  char absolute[SPI_PATH_ROOM];
  const int wrong = spi_path(path, absolute, failure);
  if (wrong != 0) return wrong;
  fields[0].text = absolute;
  return spi_ask_plainly(client, op, fields, failure);
}

/// The same with two paths.
static int ask_about_two(sp_client* client, spi_op op, const char* from, const char* to, int64_t word,
                         sp_failure* failure) {
  char absolute[SPI_PATH_ROOM], other[SPI_PATH_ROOM];
  int wrong = spi_path(from, absolute, failure);
  if (wrong == 0) wrong = spi_path(to, other, failure);
  if (wrong != 0) return wrong;
  const spi_field fields[] = {{.text = absolute}, {.text = other}, {.integer = word}};
  return spi_ask_plainly(client, op, fields, failure);
}

int sp_mkdir(sp_client* client, const char* path, mode_t mode, sp_failure* failure) {
  return ask_about(client, SPI_MKDIR, path, (spi_field[]){{.text = path}, {.integer = mode}}, failure);
}

int sp_mknod(sp_client* client, const char* path, sp_node node, mode_t mode, sp_failure* failure) {
  return ask_about(client, SPI_MKNOD, path,
                   (spi_field[]){{.text = path}, {.integer = node}, {.integer = mode}}, failure);
}

int sp_unlink(sp_client* client, const char* path, sp_name name, sp_failure* failure) {
  return ask_about(client, SPI_UNLINK, path, (spi_field[]){{.text = path}, {.integer = name}}, failure);
}

int sp_rename(sp_client* client, const char* from, const char* to, sp_existing existing,
              sp_failure* failure) {
  return ask_about_two(client, SPI_RENAME, from, to, existing, failure);
}

int sp_link(sp_client* client, const char* from, const char* to, sp_follow follow, sp_failure* failure) {
  return ask_about_two(client, SPI_LINK, from, to, follow, failure);
}

int sp_symlink(sp_client* client, const char* target, const char* path, sp_failure* failure) {
  char absolute[SPI_PATH_ROOM];
  const int wrong = spi_path(path, absolute, failure);
  if (wrong != 0) return wrong;
  return spi_ask_plainly(client, SPI_SYMLINK, (spi_field[]){{.text = target}, {.text = absolute}}, failure);
}

int sp_chmod(sp_client* client, const char* path, mode_t mode, sp_follow follow, sp_failure* failure) {
  return ask_about(client, SPI_CHMOD, path,
                   (spi_field[]){{.text = path}, {.integer = mode}, {.integer = follow}}, failure);
}

static int64_t owner_field(uint32_t id) { return id == UINT32_MAX ? -1 : (int64_t)id; }

int sp_chown(sp_client* client, const char* path, uid_t uid, gid_t gid, sp_follow follow,
             sp_failure* failure) {
  spi_field fields[] = {
      {.text = path}, {.integer = owner_field(uid)}, {.integer = owner_field(gid)}, {.integer = follow}};
  return ask_about(client, SPI_CHOWN, path, fields, failure);
}

int sp_utimens(sp_client* client, const char* path, const struct timespec times[2], sp_follow follow,
               sp_failure* failure) {
  static const struct timespec kNow[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
  if (times == NULL) times = kNow;
  spi_field fields[] = {{.text = path}, {.time = times[0]}, {.time = times[1]}, {.integer = follow}};
  return ask_about(client, SPI_UTIMENS, path, fields, failure);
}

int sp_truncate(sp_client* client, const char* path, int64_t size_bytes, sp_failure* failure) {
  return ask_about(client, SPI_TRUNCATE, path, (spi_field[]){{.text = path}, {.integer = size_bytes}},
                   failure);
}

int sp_setxattr(sp_client* client, const char* path, const char* name, const void* value, size_t value_bytes,
                sp_xattr_existing existing, sp_follow follow, sp_failure* failure) {
  spi_field fields[] = {{.text = path},
                        {.text = name},
                        {.binary = {value, value_bytes}},
                        {.integer = existing},
                        {.integer = follow}};
  return ask_about(client, SPI_SETXATTR, path, fields, failure);
}

int sp_removexattr(sp_client* client, const char* path, const char* name, sp_follow follow,
                   sp_failure* failure) {
  return ask_about(client, SPI_REMOVEXATTR, path,
                   (spi_field[]){{.text = path}, {.text = name}, {.integer = follow}}, failure);
}
