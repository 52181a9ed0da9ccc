#include "linux/notify/notifier.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <cerrno>
#include <utility>

#include "linux/process/info.h"
#include "linux/uapi.h"

namespace notify {

namespace {

constexpr unsigned kIndexBits = 12;
constexpr uint32_t kIndexMask = (1U << kIndexBits) - 1;
constexpr uint32_t kGenerationMask = 0x7ffff;
constexpr int64_t kGroupLifetimeMs = 1000;
static_assert(kMaxPending == kIndexMask + 1);

int64_t coarse_now_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// Holds signals back. An ADDFD with SEND that a signal interrupts is lost: the kernel takes the descriptor
// off the notification but leaves it answered, and the caller's open(2) gives 0, whatever that is.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeld() { (void)pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

// EINTR says that a signal came while others held the filter's lock: nothing was done yet.
int ioctl_again(int fd, unsigned long request, const void* argument) {
  int done;
  do {
    done = ioctl(fd, request, argument);
  } while (done < 0 && errno == EINTR);
  return done;
}

seccomp_notif_addfd installing(uint64_t id, uint32_t flags, int fd, bool close_on_exec) {
  return {id, flags, static_cast<uint32_t>(fd), 0, close_on_exec ? O_CLOEXEC : 0U};
}

bool is_program(int fd) {
  struct stat found{};
  return fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 0111) != 0;
}

}  // namespace

Notifier::Notifier(base::UniqueFd listener, int32_t* event, double* wide)
    : listener_(std::move(listener)), event_(event), wide_(wide) {
  arguments_.scratch.reserve(8192);
  arguments_.base.reserve(8192);
  arguments_.path_one.reserve(8192);
  arguments_.path_two.reserve(8192);
  // Linux 6.6; an older kernel answers EINVAL and only wakes us more slowly, ignoring.
  (void)ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

Notifier::~Notifier() { close(); }

void Notifier::close() {
  listener_.reset();
  slots_.clear();
  free_.clear();
}

Received Notifier::receive(bool known_readable) {
  if (!listener_.valid()) return Received::kEnded;
  if (!known_readable) {
    pollfd waiting{listener_.get(), POLLIN, 0};
    if (poll(&waiting, 1, 0) < 1) return Received::kEmpty;
    if ((waiting.revents & POLLIN) == 0) return Received::kEnded;
  }
  seccomp_notif notification{};
  if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &notification) != 0) {
    return errno == ENOENT || errno == EINTR ? Received::kRetry : Received::kEnded;
  }
  if (free_.empty() && slots_.size() == kMaxPending) {
    refuse(notification.id);
    return Received::kRetry;
  }
  const int tid = static_cast<int>(notification.pid);
  // Positions of arguments differ between architectures: another one is named to the owner, and nothing of it
  // is read.
  const bool native = notification.data.arch == AUDIT_ARCH_X86_64;
  const CallShape& shape = shape_of(native ? notification.data.nr : -1);
  const int failed = read_arguments(tid, notification.data, shape, arguments_);
  const int status = native ? failed : ENOSYS;
  const int32_t slot = take_slot(notification.id);
  publish(notification, slot, status);
  // Only now is it sure that everything above was read from the thread that waits, and not from a later one
  // of its number.
  if (ioctl_again(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &notification.id) != 0) {
    release(slots_[static_cast<uint32_t>(slot) & kIndexMask]);
    return Received::kRetry;
  }
  return Received::kEvent;
}

void Notifier::publish(const seccomp_notif& notification, int32_t slot, int status) {
  const int tid = static_cast<int>(notification.pid);
  event_[kSlot] = slot;
  event_[kNr] = notification.data.nr;
  event_[kTid] = tid;
  event_[kTgid] = arguments_.fresh_tgid >= 0 ? arguments_.fresh_tgid : group_of(tid);
  event_[kStatus] = status;
  event_[kHeldFd] = arguments_.held.get();
  event_[kPathFlags] = static_cast<int32_t>(arguments_.path_flags);
  event_[kArch] = static_cast<int32_t>(notification.data.arch);
  for (size_t at = 0; at < kSixArguments; at++) {
    wide_[at] = static_cast<double>(notification.data.args[at]);
    event_[kWords + at] = static_cast<int32_t>(notification.data.args[at]);
  }
  if (arguments_.has_times) {
    for (size_t at = 0; at < arguments_.times.size(); at++) wide_[kSixArguments + at] = arguments_.times[at];
  }
  Slot& taken = slots_[static_cast<uint32_t>(slot) & kIndexMask];
  taken.held = std::move(arguments_.held);
  taken.data = std::move(arguments_.data);
}

int Notifier::group_of(int tid) {
  KnownGroup& known = groups_[static_cast<size_t>(tid) % groups_.size()];
  const int64_t now_ms = coarse_now_ms();
  if (known.tid != tid || now_ms >= known.until_ms) {
    const int tgid = process::thread_group(tid);
    known = {tgid < 0 ? -1 : tid, tgid, now_ms + kGroupLifetimeMs};
  }
  return known.tgid;
}

int32_t Notifier::take_slot(uint64_t id) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[index];
  slot.id = id;
  slot.open = true;
  return static_cast<int32_t>(slot.generation << kIndexBits | index);
}

Notifier::Slot* Notifier::find(int32_t slot) {
  const uint32_t index = static_cast<uint32_t>(slot) & kIndexMask;
  if (slot < 0 || index >= slots_.size()) return nullptr;
  Slot& found = slots_[index];
  return found.open && found.generation == static_cast<uint32_t>(slot) >> kIndexBits ? &found : nullptr;
}

void Notifier::release(Slot& slot) {
  slot.held.reset();
  slot.data.reset();
  slot.open = false;
  slot.generation = (slot.generation + 1) & kGenerationMask;
  free_.push_back(static_cast<uint32_t>(&slot - slots_.data()));
}

void Notifier::refuse(uint64_t id) {
  seccomp_notif_resp answer{id, 0, -EPERM, 0};
  // ENOENT: the caller is gone and needs no answer, ignoring.
  (void)ioctl_again(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

int Notifier::send(Slot& slot, int error, int64_t value) {
  seccomp_notif_resp answer{slot.id, value, -error, 0};
  const int failed = ioctl_again(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0 ? 0 : -errno;
  release(slot);
  return failed;
}

int Notifier::reply_fd(int32_t slot, base::UniqueFd fd, bool close_on_exec, bool may_write_program) {
  Slot* waiting = find(slot);
  if (waiting == nullptr) return -ENOENT;
  const SignalsHeld held;
  // A program can not be executed while anybody holds it open for writing, and the caller, once answered, may
  // have written and closed it before this thread runs again.
  if (may_write_program && is_program(fd.get())) return reply_alone(*waiting, std::move(fd), close_on_exec);
  const seccomp_notif_addfd install =
      installing(waiting->id, SECCOMP_ADDFD_FLAG_SEND, fd.get(), close_on_exec);
  const int error = ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &install) < 0 ? errno : 0;
  if (error == 0 || error == ENOENT) release(*waiting);
  return -error;
}

int Notifier::reply_alone(Slot& slot, base::UniqueFd fd, bool close_on_exec) {
  const seccomp_notif_addfd install = installing(slot.id, 0, fd.get(), close_on_exec);
  const int number = ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &install);
  const int error = number < 0 ? errno : 0;
  fd.reset();
  if (error == 0) return send(slot, 0, number);
  if (error == ENOENT) release(slot);
  return -error;
}

int Notifier::reply_error(int32_t slot, int error) {
  if (error < 1 || error > 4095) return -EINVAL;
  Slot* waiting = find(slot);
  return waiting == nullptr ? -ENOENT : send(*waiting, error, 0);
}

int Notifier::reply_value(int32_t slot, int64_t value) {
  Slot* waiting = find(slot);
  return waiting == nullptr ? -ENOENT : send(*waiting, 0, value);
}

bool Notifier::is_valid(int32_t slot) {
  const Slot* waiting = find(slot);
  return waiting != nullptr && ioctl_again(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &waiting->id) == 0;
}

const std::vector<uint8_t>* Notifier::data(int32_t slot) const {
  const Slot* waiting = const_cast<Notifier*>(this)->find(slot);
  return waiting == nullptr ? nullptr : waiting->data.get();
}

}  // namespace notify
