#pragma once

// What the kernel says about another process or thread. Numbers can be reused: callers on behalf of a
// notification check SECCOMP_IOCTL_NOTIF_ID_VALID afterwards, others hold a pidfd. All give a value >= 0, or
// -errno (-ESRCH: gone).
namespace process {

// Thread group of a thread: PIDFD_GET_INFO on pidfd_open(tid, PIDFD_THREAD). Until Linux 6.13: Tgid of
// /proc/<tid>/status, which is 20 times slower.
[[nodiscard]] int thread_group(int tid);

// N of the controlling terminal /dev/pts/N; -ENXIO: none, or one that is no pseudo-terminal.
[[nodiscard]] int controlling_terminal(int tid);

// Milliseconds of CLOCK_BOOTTIME: also while the machine is suspended, and set by nobody (clock_gettime(2)).
[[nodiscard]] double boot_time_ms();

// Field 4 of proc_pid_stat(5).
[[nodiscard]] int parent_of(int pid);

// Inode of the process in pidfs, unique until the machine is started again: a number may come to name another
// process, this never does. -ENOSYS: the kernel has no pidfs (Linux 6.9).
[[nodiscard]] double identity_of(int pid);
// The same of a process that a descriptor names, which stays open.
[[nodiscard]] double identity_of_pidfd(int pidfd);

}  // namespace process
