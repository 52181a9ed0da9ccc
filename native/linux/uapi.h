#pragma once

// Kernel interface newer than the oldest headers we build with (Debian 12, Linux 6.1). Each block names the
// version that brought it in. The only file with #ifndef: the rest of the tree uses the kernel's names and
// asks the running kernel. <linux/pidfd.h> and <linux/fcntl.h> are left out on purpose: they redefine struct
// flock of <fcntl.h>.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/types.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

// landlock_create_ruleset(2): errata of the running ABI (Linux 6.15).
#ifndef LANDLOCK_CREATE_RULESET_ERRATA
#define LANDLOCK_CREATE_RULESET_ERRATA (1U << 1)
#endif
// ABI 2 (Linux 5.19).
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
// ABI 3 (Linux 6.2).
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
// ABI 4 (Linux 6.7).
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif
// ABI 5 (Linux 6.10).
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
// ABI 6 (Linux 6.12).
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif
// ABI 7 (Linux 6.15): flags of landlock_restrict_self(2).
#ifndef LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF
#define LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF (1U << 0)
#define LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON (1U << 1)
#define LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF (1U << 2)
#endif
// ABI 8 (Linux 7.0).
#ifndef LANDLOCK_RESTRICT_SELF_TSYNC
#define LANDLOCK_RESTRICT_SELF_TSYNC (1U << 3)
#endif
// ABI 9 (Linux 7.1).
#ifndef LANDLOCK_ACCESS_FS_RESOLVE_UNIX
#define LANDLOCK_ACCESS_FS_RESOLVE_UNIX (1ULL << 16)
#endif
// ABI 10 (Linux 7.2). ABI 11 (7.3) adds no filesystem, network or scope bit that we know of.
#ifndef LANDLOCK_ACCESS_NET_BIND_UDP
#define LANDLOCK_ACCESS_NET_BIND_UDP (1ULL << 2)
#define LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP (1ULL << 3)
#endif
#ifndef LANDLOCK_ADD_RULE_QUIET
#define LANDLOCK_ADD_RULE_QUIET (1U << 0)
#endif

// seccomp(2): SECCOMP_USER_NOTIF_FLAG_CONTINUE Linux 5.5, ADDFD 5.9, ADDFD_FLAG_SEND 5.14,
// WAIT_KILLABLE_RECV 5.19, SET_FLAGS with SYNC_WAKE_UP 6.6.
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

// clone3(2): CLEAR_SIGHAND Linux 5.5, INTO_CGROUP 5.7.
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

// openat2(2): RESOLVE_CACHED Linux 5.12.
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

// memfd_create(2): Linux 6.3.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

// close_range(2): Linux 5.9, CLOSE_RANGE_CLOEXEC 5.11.
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

// pidfd_open(2): PIDFD_NONBLOCK Linux 5.10, PIDFD_THREAD 6.9.
#ifndef PIDFD_NONBLOCK
#define PIDFD_NONBLOCK O_NONBLOCK
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
// pidfd_send_signal(2): Linux 6.9.
#ifndef PIDFD_SIGNAL_THREAD
#define PIDFD_SIGNAL_THREAD (1UL << 0)
#define PIDFD_SIGNAL_THREAD_GROUP (1UL << 1)
#define PIDFD_SIGNAL_PROCESS_GROUP (1UL << 2)
#endif
// ioctl(2) on a pidfd: Linux 6.13; INFO_EXIT 6.15.
#ifndef PIDFD_INFO_PID
#define PIDFD_INFO_PID (1UL << 0)
#define PIDFD_INFO_CREDS (1UL << 1)
#define PIDFD_INFO_CGROUPID (1UL << 2)
#define PIDFD_INFO_EXIT (1UL << 3)
#endif
// Socket options: SO_PEERPIDFD and SCM_PIDFD Linux 6.5, SO_PASSRIGHTS 6.16 (asm-generic numbers).
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71  // Linux 5.14
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

// System call numbers are the same on every architecture since 424 (Linux 5.1).
#ifndef __NR_clone3
#define __NR_clone3 435  // Linux 5.3
#endif
#ifndef __NR_close_range
#define __NR_close_range 436  // Linux 5.9
#endif
#ifndef __NR_openat2
#define __NR_openat2 437  // Linux 5.6
#endif
#ifndef __NR_pidfd_open
#define __NR_pidfd_open 434  // Linux 5.3
#endif
#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438  // Linux 5.6
#endif
#ifndef __NR_faccessat2
#define __NR_faccessat2 439  // Linux 5.8
#endif
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444  // Linux 5.13
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452  // Linux 6.6
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463  // Linux 6.13
#define __NR_getxattrat 464
#define __NR_listxattrat 465
#define __NR_removexattrat 466
#endif

namespace uapi {

// struct landlock_ruleset_attr as of ABI 10 (Linux 7.2). Older kernels accept it when what they do not know
// is zero.
struct LandlockRulesetAttr {
  __u64 handled_access_fs;
  __u64 handled_access_net;
  __u64 scoped;
  __u64 quiet_access_fs;
  __u64 quiet_access_net;
  __u64 quiet_scoped;
};

// struct pidfd_info, first published size (Linux 6.13); exit_code since 6.15. `mask` says what was filled.
struct PidfdInfo {
  __u64 mask;
  __u64 cgroupid;
  __u32 pid;
  __u32 tgid;
  __u32 ppid;
  __u32 ruid;
  __u32 rgid;
  __u32 euid;
  __u32 egid;
  __u32 suid;
  __u32 sgid;
  __u32 fsuid;
  __u32 fsgid;
  __s32 exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);

}  // namespace uapi

#ifndef PIDFD_GET_INFO
#define PIDFD_GET_INFO _IOWR(0xFF, 11, uapi::PidfdInfo)
#endif
