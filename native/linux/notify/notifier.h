#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "linux/notify/arguments.h"

struct seccomp_notif;

// The supervising side of seccomp_unotify(2). Every trapped call is answered with a value, an errno or a
// descriptor that the broker opened; none is ever continued, since what a pointer names can change between
// our look and the kernel's.
namespace notify {

// Positions in the arrays that the owner shares with its reader; the same as EVENT of platform/binding.ts.
enum EventField : uint8_t { kSlot, kNr, kTid, kTgid, kStatus, kHeldFd, kPathFlags, kArch, kWords };
// The low halves of the six arguments follow: a double can not hold all of a 64-bit register.
inline constexpr size_t kEventFields = kWords + 6;
inline constexpr size_t kWideFields = 12;
inline constexpr size_t kSixArguments = 6;

// Answers that stay open at a time; one more is refused with EPERM at once.
inline constexpr size_t kMaxPending = 4096;

enum class Received : uint8_t {
  kEvent,  // the arrays and the paths hold one
  kRetry,  // it was gone or was answered here; there may be more
  kEmpty,  // nothing waits
  kEnded,  // no task uses the filter any more
};

// One listener. One thread. The slot numbers it hands out are good for one answer: a stale one gets -ENOENT.
class Notifier {
 public:
  // `event` has kEventFields, `wide` kWideFields elements; both outlive this object.
  Notifier(base::UniqueFd listener, int32_t* event, double* wide);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;
  ~Notifier();

  // Takes the next notification, reads what its pointers name (once), and confirms afterwards that the caller
  // was still the one that waited. `known_readable` skips the poll(2) that keeps RECV from blocking.
  [[nodiscard]] Received receive(bool known_readable);

  // Of the last event; valid until the next receive.
  [[nodiscard]] std::string_view path_one() const { return arguments_.path_one; }
  [[nodiscard]] std::string_view path_two() const { return arguments_.path_two; }

  // 0 or -errno; -ENOENT: the caller is gone. A failure of ADDFD other than that (-EMFILE by the caller's
  // RLIMIT_NOFILE) leaves the slot open for reply_error. The descriptor is closed in every case; before the
  // caller goes on when it `may_write_program` and is one.
  int reply_fd(int32_t slot, base::UniqueFd fd, bool close_on_exec, bool may_write_program);
  // `error` is from 1 to 4095, anything else is -EINVAL: a zero would let the call appear to succeed.
  int reply_error(int32_t slot, int error);
  int reply_value(int32_t slot, int64_t value);
  [[nodiscard]] bool is_valid(int32_t slot);

  // The value of a setxattr, or nullptr. Valid until the slot is answered.
  [[nodiscard]] const std::vector<uint8_t>* data(int32_t slot) const;

  [[nodiscard]] int listener() const { return listener_.get(); }

  // Closes the listener: every call that waits and every later one gets ENOSYS from the kernel.
  void close();

 private:
  struct Slot {
    uint64_t id = 0;
    base::UniqueFd held;
    std::unique_ptr<std::vector<uint8_t>> data;
    uint32_t generation = 0;
    bool open = false;
  };
  struct KnownGroup {
    int tid = -1;
    int tgid = -1;
    int64_t until_ms = 0;
  };

  [[nodiscard]] Slot* find(int32_t slot);
  [[nodiscard]] int32_t take_slot(uint64_t id);
  void release(Slot& slot);
  int reply_alone(Slot& slot, base::UniqueFd fd, bool close_on_exec);
  int send(Slot& slot, int error, int64_t value);
  void refuse(uint64_t id);
  [[nodiscard]] int group_of(int tid);
  void publish(const seccomp_notif& notification, int32_t slot, int status);

  base::UniqueFd listener_;
  int32_t* event_;
  double* wide_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  std::array<KnownGroup, 64> groups_;
  Arguments arguments_;
};

}  // namespace notify
