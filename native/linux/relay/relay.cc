#include "linux/relay/relay.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <utility>

namespace relay {
namespace {

using base::last_failure;
using base::Result;

constexpr int events_a_wait = 64;

bool watch(int epoll, int fd, uint32_t events, uint64_t id) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// Closing would not do: others hold the same sockets.
void unwatch(int epoll, const Direction& direction) {
  (void)::epoll_ctl(epoll, EPOLL_CTL_DEL, direction.from(), nullptr);
  (void)::epoll_ctl(epoll, EPOLL_CTL_DEL, direction.to(), nullptr);
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::start() {
  std::unique_ptr<Relay> made(new Relay());
  made->leaving_ = true;
  made->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!made->epoll_.valid()) return last_failure("epoll_create1");
  made->wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  made->notices_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!made->wake_.valid() || !made->notices_.valid()) return last_failure("eventfd");
  if (!watch(made->epoll_.get(), made->wake_.get(), EPOLLIN, 0)) return last_failure("epoll_ctl");
  sigset_t all;
  sigset_t before;
  (void)::sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
  made->leaving_ = false;
  const int failed = ::pthread_create(&made->thread_, nullptr, serve_of, made.get());
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failed == 0) return made;
  made->leaving_ = true;
  return base::Failure{"pthread_create", failed};
}

Relay::~Relay() {
  // A relay that is leaving already never had a thread.
  if (leaving_.exchange(true)) return;
  (void)::eventfd_write(wake_.get(), 1);
  (void)::pthread_join(thread_, nullptr);
}

Result<uint64_t> Relay::add(int from, int to) {
  Result<Direction> direction = Direction::create(from, to);
  if (!direction.ok()) return direction.failure();
  const auto stream = std::make_shared<Stream>(std::move(direction.value()));
  uint64_t id = 0;
  {
    const std::lock_guard guard(lock_);
    id = ++last_id_;
    streams_.emplace(id, stream);
  }
  // The sink is watched once it takes no more.
  if (watch(epoll_.get(), stream->direction.from(), EPOLLIN | EPOLLRDHUP | EPOLLET, id)) return id;
  const base::Failure failure = last_failure("epoll_ctl");
  (void)stop(id);
  return failure;
}

std::shared_ptr<Relay::Stream> Relay::find(uint64_t id) {
  const std::lock_guard guard(lock_);
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

uint64_t Relay::bytes(uint64_t id) {
  const std::shared_ptr<Stream> stream = find(id);
  return stream == nullptr ? 0 : stream->bytes.load(std::memory_order_relaxed);
}

uint64_t Relay::stop(uint64_t id) {
  const std::shared_ptr<Stream> stream = find(id);
  if (stream == nullptr) return 0;
  const std::lock_guard turn(stream->turn);
  const std::lock_guard guard(lock_);
  // It may have ended by itself while we waited for its turn to be over.
  if (streams_.erase(id) == 0) return 0;
  stream->stopped = true;
  unwatch(epoll_.get(), stream->direction);
  return stream->direction.bytes();
}

void Relay::grant(int64_t bytes) {
  budget_.fetch_add(bytes, std::memory_order_relaxed);
  (void)::eventfd_write(wake_.get(), 1);
}

std::vector<Ended> Relay::take_ended() {
  eventfd_t count = 0;
  (void)::eventfd_read(notices_.get(), &count);
  const std::lock_guard guard(lock_);
  return std::exchange(ended_, {});
}

void Relay::notice() { (void)::eventfd_write(notices_.get(), 1); }

void* Relay::serve_of(void* relay) {
  static_cast<Relay*>(relay)->serve();
  return nullptr;
}

void Relay::serve() {
  while (!leaving_.load()) {
    epoll_event events[events_a_wait];
    const int count = ::epoll_wait(epoll_.get(), events, events_a_wait, queued_.empty() ? -1 : 0);
    for (int at = 0; at < count; ++at) {
      const uint64_t id = events[at].data.u64;
      if (id != 0) {
        queue(id);
        continue;
      }
      eventfd_t woken = 0;
      (void)::eventfd_read(wake_.get(), &woken);
      said_low_ = false;
      for (const uint64_t starved : std::exchange(starved_, {})) queue(starved);
    }
    run_queued();
    if (!said_low_ && budget() < low_below_.load(std::memory_order_relaxed)) {
      said_low_ = true;
      notice();
    }
  }
}

void Relay::queue(uint64_t id) {
  const std::shared_ptr<Stream> stream = find(id);
  if (stream == nullptr || std::exchange(stream->queued, true)) return;
  queued_.push_back(id);
}

void Relay::run_queued() {
  for (const uint64_t id : std::exchange(queued_, {})) run(id);
}

void Relay::run(uint64_t id) {
  const std::shared_ptr<Stream> stream = find(id);
  if (stream == nullptr) return;
  stream->queued = false;
  const std::lock_guard turn(stream->turn);
  if (stream->stopped) return;
  Result<Direction::Wants> wants = stream->direction.run(budget_);
  stream->bytes.store(stream->direction.bytes(), std::memory_order_relaxed);
  if (!wants.ok()) return end(id, wants.failure().error);
  if (wants.value() == Direction::Wants::nothing) return end(id, 0);
  if (wants.value() == Direction::Wants::budget) starved_.push_back(id);
  if (wants.value() == Direction::Wants::sink && !std::exchange(stream->sink_watched, true)) {
    // When it takes more by now, the edge comes at once.
    if (!watch(epoll_.get(), stream->direction.to(), EPOLLOUT | EPOLLET, id)) return end(id, errno);
  }
  if (wants.value() != Direction::Wants::turn) return;
  stream->queued = true;
  queued_.push_back(id);
}

// Within the turn of the stream.
void Relay::end(uint64_t id, int error) {
  const std::lock_guard guard(lock_);
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  unwatch(epoll_.get(), found->second->direction);
  ended_.push_back({id, error, found->second->direction.bytes()});
  streams_.erase(found);
  notice();
}

}  // namespace relay
