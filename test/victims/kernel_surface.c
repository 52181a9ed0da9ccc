// One system call that gives power over the kernel or around the sandbox. kernel_surface CALL [PID]
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "victim.h"

static long in_child(int (*way)(void)) {
  int status;
  pid_t child = (pid_t)need("fork", fork());
  if (child == 0) _exit(way() < 0 ? errno : 0);
  need("waitpid", waitpid(child, &status, 0));
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
  return errno ? -1 : 0;
}

static int unshare_user(void) { return unshare(CLONE_NEWUSER); }
static int unshare_mount(void) { return unshare(CLONE_NEWNS); }
static int change_root(void) { return chroot("."); }
static int set_personality(void) { return (int)syscall(SYS_personality, 0x0040000UL); }
static int mount_memory(void) {
  // In a mount namespace of its own, so that the control leaves nothing behind.
  if (unshare(CLONE_NEWNS) < 0 && errno != EPERM && errno != ENOSYS) return -1;
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  return mount("none", ".", "tmpfs", 0, NULL);
}
static int new_mount(void) { return (int)syscall(SYS_fsopen, "tmpfs", 0); }
static int tree(void) { return (int)syscall(SYS_open_tree, AT_FDCWD, "/", 1); }
static int clone_user(void) {
  long child = syscall(SYS_clone, (unsigned long)CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  return (int)child;
}
static int clone_new(void) {
  struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) _exit(0);
  return (int)child;
}
static int set_namespace(void) {
  int process = (int)syscall(SYS_pidfd_open, getppid(), 0);
  return process < 0 ? -1 : setns(process, CLONE_NEWNET);
}
static int handle(void) {
  struct {
    struct file_handle head;
    char room[128];
  } name = {.head.handle_bytes = 128};
  int mount;
  if (name_to_handle_at(AT_FDCWD, ".", &name.head, &mount, 0) < 0) return -1;
  int here = open(".", O_RDONLY | O_DIRECTORY);
  return open_by_handle_at(here, &name.head, O_RDONLY);
}
static int open_handle(void) {
  struct {
    struct file_handle head;
    char room[128];
  } name = {.head = {.handle_bytes = 8, .handle_type = 1}};
  // ESTALE and ENOENT say that the call was let through.
  int fd = open_by_handle_at(AT_FDCWD, &name.head, O_RDONLY);
  return fd >= 0 || errno == ESTALE || errno == ENOENT || errno == EINVAL || errno == EBADF ? 0 : -1;
}
static int program(void) {
  struct bpf_insn instructions[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr attributes = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2};
  attributes.insns = (uint64_t)(uintptr_t)instructions;
  attributes.license = (uint64_t)(uintptr_t)"GPL";
  return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
}
static int observe(void) {
  struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes};
  attributes.config = PERF_COUNT_SW_CPU_CLOCK;
  return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}
static int faults(void) { return (int)syscall(SYS_userfaultfd, 1); }
static int keyring(void) { return (int)syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1); }
static int add(void) { return (int)syscall(SYS_add_key, "user", "victim", "x", 1, KEY_SPEC_PROCESS_KEYRING); }
static int request(void) {
  int key = (int)syscall(SYS_request_key, "user", "no-such-key", NULL, 0);
  return key >= 0 || errno == ENOKEY ? 0 : -1;
}
static int watch(void) { return fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY); }
static int log_read(void) { return (int)syscall(SYS_syslog, 10, NULL, 0); }
static int secret_memory(void) {
  int fd = (int)syscall(447, 0);
  return fd >= 0 || errno == ENOSYS ? fd : -1;
}
static int descriptor_table(void) { return (int)syscall(SYS_modify_ldt, 0, NULL, 0); }
static int ports(void) { return (int)syscall(SYS_iopl, 3); }
static int splice_pages(void) {
  int pipes[2];
  struct iovec one = {"x", 1};
  return pipe(pipes) < 0 ? -1 : (int)syscall(SYS_vmsplice, pipes[1], &one, 1, 0);
}
static int file_attributes(void) {
  // open(2) in its newest form: flags in memory
  struct {
    uint64_t flags, mode, resolve;
  } how = {O_WRONLY | O_CREAT, 0600, 0};
  return (int)syscall(SYS_openat2, AT_FDCWD, "openat2", &how, sizeof how);
}

static const struct {
  const char* name;
  int (*way)(void);
} calls[] = {
    {"unshare-user", unshare_user},
    {"unshare-mount", unshare_mount},
    {"clone-user", clone_user},
    {"clone3-user", clone_new},
    {"setns", set_namespace},
    {"chroot", change_root},
    {"mount", mount_memory},
    {"fsopen", new_mount},
    {"open_tree", tree},
    {"personality", set_personality},
    {"name_to_handle_at", handle},
    {"open_by_handle_at", open_handle},
    {"bpf", program},
    {"perf_event_open", observe},
    {"userfaultfd", faults},
    {"keyctl", keyring},
    {"add_key", add},
    {"request_key", request},
    {"fanotify_init", watch},
    {"syslog", log_read},
    {"memfd_secret", secret_memory},
    {"modify_ldt", descriptor_table},
    {"iopl", ports},
    {"vmsplice", splice_pages},
    {"openat2", file_attributes},
};

int main(int argc, char** argv) {
  const char* name = argument(argc, argv, 1);
  for (size_t at = 0; at < sizeof calls / sizeof *calls; at++) {
    if (strcmp(calls[at].name, name) == 0) judge(name, in_child(calls[at].way));
  }
  finish(BROKEN, "no such call");
}
