#include "linux/launch/spawn.h"

#include <sys/mman.h>

#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "linux/launch/message_socket.h"
#include "linux/raw_syscall.h"

namespace launch {
namespace {

constexpr size_t stack_bytes = 64U << 10U;
// A page on every architecture.
constexpr size_t guard_bytes = 64U << 10U;

std::vector<char*> pointers(const std::vector<std::string>& list) {
  std::vector<char*> out;
  out.reserve(list.size() + 1);
  for (const std::string& item : list) out.push_back(const_cast<char*>(item.c_str()));
  out.push_back(nullptr);
  return out;
}

sock_fprog program(const std::vector<uint8_t>& filter) {
  return sock_fprog{static_cast<unsigned short>(filter.size() / sizeof(sock_filter)),
                    reinterpret_cast<sock_filter*>(const_cast<uint8_t*>(filter.data()))};
}

std::vector<unsigned long> cpu_mask(const std::vector<uint32_t>& cpus) {
  constexpr size_t bits = sizeof(unsigned long) * 8;
  std::vector<unsigned long> mask;
  for (const uint32_t cpu : cpus) {
    if (mask.size() <= cpu / bits) mask.resize(cpu / bits + 1);
    mask[cpu / bits] |= 1UL << (cpu % bits);
  }
  return mask;
}

std::vector<RlimitEntry> rlimits(const std::vector<plan::Rlimit>& list) {
  std::vector<RlimitEntry> out;
  for (const plan::Rlimit& item : list) out.push_back({item.resource, {item.soft, item.hard}});
  return out;
}

// A message with one byte and room for one descriptor, which only the child knows.
struct Handover {
  char byte = 'l';
  iovec part{&byte, 1};
  alignas(cmsghdr) unsigned char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};

  Handover() {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int));
  }
  int* slot() { return reinterpret_cast<int*>(CMSG_DATA(CMSG_FIRSTHDR(&header))); }
};

}  // namespace

base::Result<Spawner> Spawner::create() {
  Spawner spawner;
  int pair[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return base::last_failure("socketpair");
  spawner.handover_out_.reset(pair[0]);
  spawner.handover_in_.reset(pair[1]);
  void* mapping = ::mmap(nullptr, guard_bytes + stack_bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_POPULATE, -1, 0);
  if (mapping == MAP_FAILED) return base::last_failure("mmap");
  // A child that overran its stack would write into its parent.
  if (::mprotect(mapping, guard_bytes, PROT_NONE) != 0) return base::last_failure("mprotect");
  spawner.stack_ = static_cast<char*>(mapping) + guard_bytes;
  return spawner;
}

bool Spawner::spawn(const plan::LaunchPlan& plan, std::span<const base::UniqueFd> fds, Spawned& out,
                    SpawnFailure& failure) {
  const std::vector<char*> argv = pointers(plan.argv);
  const std::vector<char*> env = pointers(plan.env);
  const std::vector<unsigned long> mask = cpu_mask(plan.cpus);
  const std::vector<RlimitEntry> limits = rlimits(plan.rlimits);
  Handover handover;

  ChildSetup setup{};
  setup.path = plan.path.c_str();
  setup.argv = argv.data();
  setup.env = env.data();
  setup.cwd = plan.cwd.c_str();
  for (size_t i = 0; i < 3; ++i) setup.stdio[i] = fds[i].get();
  setup.channel_fd = plan.has_channel ? fds[3].get() : -1;
  setup.ruleset_fd = plan.has_ruleset ? fds[plan.has_channel ? 4 : 3].get() : -1;
  setup.terminal_index = plan.terminal_index;
  setup.stub_filter = program(plan.stub_filter);
  setup.filter = program(plan.filter);
  setup.notify = plan.notify;
  setup.handover_fd = handover_out_.get();
  setup.handover_message = &handover.header;
  setup.handover_slot = handover.slot();
  if (plan.user) {
    setup.switch_user = true;
    setup.uid = plan.user->uid;
    setup.gid = plan.user->gid;
    setup.groups = plan.user->groups.data();
    setup.group_count = plan.user->groups.size();
  }
  setup.keep_capabilities = plan.keep_capabilities;
  setup.umask = plan.umask;
  setup.rlimits = limits.data();
  setup.rlimit_count = limits.size();
  setup.cpu_mask = mask.empty() ? nullptr : mask.data();
  setup.cpu_mask_bytes = mask.size() * sizeof(unsigned long);

  ChildReport report{plan::Stage::launcher, "clone3", 0};
  ChildArgument argument{&setup, &report};
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.pidfd = static_cast<__u64>(sys::raw(&pidfd));
  args.exit_signal = SIGCHLD;
  args.stack = static_cast<__u64>(sys::raw(static_cast<char*>(stack_)));
  args.stack_size = stack_bytes;
  const long pid = sys::raw_clone3(&args, run_child, &argument);
  if (pid < 0) {
    failure = SpawnFailure{plan::Stage::launcher, "clone3", static_cast<int>(-pid)};
    return false;
  }
  out.pid = static_cast<pid_t>(pid);
  out.pidfd.reset(pidfd);
  if (plan.notify) {
    // Whatever became of the child: a listener that was handed over must not wait for the next launch.
    std::byte byte{};
    base::Result<Received> received = receive_message(handover_in_.get(), {&byte, 1});
    if (received.ok()) out.listener = std::move(received.value().fds[0]);
  }
  if (report.error != 0) {
    failure = SpawnFailure{report.stage, report.call, report.error};
    return false;
  }
  return true;
}

}  // namespace launch
