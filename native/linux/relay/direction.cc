#include "linux/relay/direction.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace relay {
namespace {

using base::last_failure;
using base::Result;

constexpr int64_t chunk_bytes = 1 << 20;
// Then another direction has its turn.
constexpr int rounds = 16;
// Most flows are small; what is not gets a larger pipe, where the user's share of pipe memory still has one.
constexpr uint64_t bulk_bytes = 256U << 10U;
constexpr int bulk_pipe_bytes = 1 << 20;
constexpr unsigned how = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Result<Direction> Direction::create(int from, int to) {
  Direction made;
  made.from_.reset(::fcntl(from, F_DUPFD_CLOEXEC, 3));
  made.to_.reset(::fcntl(to, F_DUPFD_CLOEXEC, 3));
  if (!made.from_.valid() || !made.to_.valid()) return last_failure("fcntl");
  return made;
}

// Not before there is something to move: many a direction has nothing.
Result<base::Done> Direction::open_pipe() {
  int pair[2] = {-1, -1};
  if (::pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0) return last_failure("pipe2");
  pipe_out_.reset(pair[0]);
  pipe_in_.reset(pair[1]);
  return base::Done{};
}

// false: nothing is there to be read. Only into an empty pipe: a full one would say EAGAIN as well.
Result<bool> Direction::fill(Budget& budget) {
  const auto most = static_cast<size_t>(std::min(chunk_bytes, budget.load(std::memory_order_relaxed)));
  const ssize_t got = ::splice(from_.get(), nullptr, pipe_in_.get(), nullptr, most, how);
  if (got < 0) {
    if (would_block()) return false;
    return last_failure("splice");
  }
  ended_ = got == 0;
  held_ = static_cast<uint64_t>(got);
  budget.fetch_sub(got, std::memory_order_relaxed);
  return true;
}

// false: the sink takes no more.
Result<bool> Direction::drain() {
  while (held_ > 0) {
    const ssize_t put = ::splice(pipe_out_.get(), nullptr, to_.get(), nullptr, held_, how);
    if (put < 0) {
      if (would_block()) return false;
      return last_failure("splice");
    }
    held_ -= static_cast<uint64_t>(put);
    bytes_ += static_cast<uint64_t>(put);
  }
  return true;
}

Result<Direction::Wants> Direction::run(Budget& budget) {
  if (!pipe_in_.valid()) {
    if (Result<base::Done> opened = open_pipe(); !opened.ok()) return opened.failure();
  }
  for (int round = 0; round < rounds; ++round) {
    if (held_ == 0) {
      if (budget.load(std::memory_order_relaxed) <= 0) return Wants::budget;
      Result<bool> filled = fill(budget);
      if (!filled.ok()) return filled.failure();
      if (!filled.value()) return Wants::source;
    }
    Result<bool> drained = drain();
    if (!drained.ok()) return drained.failure();
    if (!drained.value()) return Wants::sink;
    if (ended_) {
      (void)::shutdown(to_.get(), SHUT_WR);
      return Wants::nothing;
    }
    if (!grown_ && bytes_ >= bulk_bytes) {
      grown_ = true;
      (void)::fcntl(pipe_in_.get(), F_SETPIPE_SZ, bulk_pipe_bytes);
    }
  }
  return Wants::turn;
}

}  // namespace relay
