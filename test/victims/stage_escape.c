// Runs in a stage and tries to get at what lies below it: the workspace itself, and the layer.
// Arguments: the workspace, the directory of the stage.
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "victim.h"

static const char* workspace;

static int write_file(const char* path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return -1;
  if (write(fd, "escaped\n", 8) != 8) return -1;
  return close(fd);
}

static int through(const char* format, const char* pid) {
  char path[4096];
  snprintf(path, sizeof path, format, pid, workspace);
  return write_file(path);
}

// The other side of any process that is in another mount namespace.
static int through_others(const char* format) {
  DIR* processes = opendir("/proc");
  int error = EACCES;
  for (struct dirent* one = readdir(processes); one; one = readdir(processes)) {
    if (one->d_name[0] < '1' || one->d_name[0] > '9') continue;
    if (through(format, one->d_name) == 0) return 0;
    if (errno != ENOENT && errno != ESRCH && errno != ENOTDIR) error = errno;
  }
  errno = error;
  return -1;
}

static int enter_namespace(void) {
  int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  return setns(fd, CLONE_NEWNS);
}

// A call that knows no such flag says EINVAL, which is a refusal here.
static int whiteout_by_rename(void) {
  put_file("w", "w", 0600);
  int result = renameat2(AT_FDCWD, "w", AT_FDCWD, "w2", 4 /* RENAME_WHITEOUT */);
  if (result < 0 && errno == EINVAL) errno = EPERM;
  return result;
}

static int by_handle(void) {
  struct {
    struct file_handle head;
    char bytes[128];
  } name = {.head.handle_bytes = 128};
  int mount;
  if (name_to_handle_at(AT_FDCWD, "/", &name.head, &mount, 0) < 0) return -1;
  int at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return open_by_handle_at(at, &name.head, O_RDONLY);
}

int main(int argc, char** argv) {
  char path[4096];
  workspace = argument(argc, argv, 1);
  const char* stage = argument(argc, argv, 2);
  snprintf(path, sizeof path, "%s/upper/escaped", stage);
  attempt("write the layer", write_file(path));
  snprintf(path, sizeof path, "%s/stage.json", stage);
  attempt("read the facts", open(path, O_RDONLY | O_CLOEXEC));
  attempt("another root", through_others("/proc/%s/root%s/escaped"));
  attempt("namespace", enter_namespace());
  attempt("handle", by_handle());
  attempt("whiteout", mknod("whiteout", S_IFCHR | 0600, makedev(0, 0)));
  attempt("whiteout by rename", whiteout_by_rename());
  attempt("mark", setxattr(".", "trusted.overlay.opaque", "y", 1, 0));
  attempt("remount", mount(NULL, workspace, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  attempt("move", mount(workspace, "/mnt", NULL, MS_MOVE, NULL));
  attempt("umount", umount2(workspace, MNT_DETACH));
  verdict();
}
