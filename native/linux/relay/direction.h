#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace relay {

// Bytes that may still be taken from any source; below zero there is a debt.
using Budget = std::atomic<int64_t>;

// One direction of a connection: moves bytes from one stream socket to another without copying them, through
// a pipe. splice(2). Both sockets are non-blocking; it owns descriptors of its own for them.
class Direction {
 public:
  // What has to come before more can be moved. `turn`: nothing, others are to have theirs first. `nothing`:
  // the source has ended, everything is written, and the sink is told (shutdown(2)).
  enum class Wants { source, sink, budget, turn, nothing };

  // Duplicates both descriptors.
  [[nodiscard]] static base::Result<Direction> create(int from, int to);

  // Moves what can be moved now. Failure: either side is gone.
  [[nodiscard]] base::Result<Wants> run(Budget& budget);

  [[nodiscard]] int from() const { return from_.get(); }
  [[nodiscard]] int to() const { return to_.get(); }
  // Written to the sink so far.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  Direction() = default;
  [[nodiscard]] base::Result<base::Done> open_pipe();
  [[nodiscard]] base::Result<bool> fill(Budget& budget);
  [[nodiscard]] base::Result<bool> drain();

  base::UniqueFd from_;
  base::UniqueFd to_;
  base::UniqueFd pipe_in_;
  base::UniqueFd pipe_out_;
  uint64_t bytes_ = 0;
  uint64_t held_ = 0;
  bool ended_ = false;
  bool grown_ = false;
};

}  // namespace relay
