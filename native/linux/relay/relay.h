#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/relay/direction.h"

// A thread that carries the bytes of connections. It knows sockets and a budget, and nothing of what they
// are.
namespace relay {

// What became of a direction: 0 when its source has ended and all of it is written, else an errno.
struct Ended {
  uint64_t id = 0;
  int error = 0;
  uint64_t bytes = 0;
};

// All methods may be called from any thread.
class Relay {
 public:
  // The thread blocks every signal and has the credentials of the calling thread.
  [[nodiscard]] static base::Result<std::unique_ptr<Relay>> start();
  // Stops everything, and waits for the thread.
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // Starts to move bytes from one stream socket to another, by descriptors of its own. The id is never 0.
  [[nodiscard]] base::Result<uint64_t> add(int from, int to);
  // Written so far; 0 for one that has ended.
  [[nodiscard]] uint64_t bytes(uint64_t id);
  // Ends it where it is: not a byte more is written when this returns. Gives what was written, 0 for one that
  // has ended by itself; it is not among `take_ended` then.
  uint64_t stop(uint64_t id);
  // Lets that many more bytes pass, in all directions together. At the start there are none.
  void grant(int64_t bytes);
  // Readable when something has ended, or the budget has fallen below what `low_below` says.
  [[nodiscard]] int notices() const { return notices_.get(); }
  void low_below(int64_t bytes) { low_below_.store(bytes, std::memory_order_relaxed); }
  // Empties `notices`.
  [[nodiscard]] std::vector<Ended> take_ended();
  [[nodiscard]] int64_t budget() const { return budget_.load(std::memory_order_relaxed); }

 private:
  // Whoever runs or stops a direction holds `turn`.
  struct Stream {
    explicit Stream(Direction made) : direction(std::move(made)) {}
    std::mutex turn;
    Direction direction;
    std::atomic<uint64_t> bytes = 0;
    bool queued = false;  // the thread's
    bool sink_watched = false;
    bool stopped = false;
  };
  using Streams = std::unordered_map<uint64_t, std::shared_ptr<Stream>>;

  Relay() = default;
  static void* serve_of(void* relay);
  void serve();
  void queue(uint64_t id);
  void run_queued();
  void run(uint64_t id);
  void end(uint64_t id, int error);
  void notice();
  [[nodiscard]] std::shared_ptr<Stream> find(uint64_t id);

  base::UniqueFd epoll_;
  base::UniqueFd wake_;
  base::UniqueFd notices_;
  Budget budget_ = 0;
  std::atomic<int64_t> low_below_ = 0;
  std::atomic<bool> leaving_ = false;
  pthread_t thread_{};

  std::mutex lock_;  // of what follows
  Streams streams_;
  std::vector<Ended> ended_;
  uint64_t last_id_ = 0;

  // The thread's own.
  std::vector<uint64_t> queued_;
  std::vector<uint64_t> starved_;
  bool said_low_ = false;
};

}  // namespace relay
