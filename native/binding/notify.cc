#include <sched.h>

#include <array>
#include <memory>
#include <utility>

#include "binding/binding.h"
#include "binding/poll.h"
#include "binding/values.h"
#include "linux/notify/notifier.h"

namespace binding {

namespace {

constexpr size_t kMaxPerWakeUp = 64;

// Yields the core once to the caller that was just answered. Where both share one, its next call is there
// when we come back, and the way through the event loop is saved (a fifth of a brokered open). Where they do
// not, or where others want the core, it is a loss, and is not tried again for a while: a yield that came
// back late also kept every other handle of the loop waiting, with no wake-up to preempt for it.
class Linger {
 public:
  // True when it is worth a look for the next notification.
  bool pause() {
    if (rest_ > 0) {
      rest_--;
      return false;
    }
    const uint64_t start_ns = uv_hrtime();
    (void)sched_yield();
    late_ = uv_hrtime() - start_ns > kLateNs;
    return true;
  }
  void found() {
    if (late_) rest_ = kRestLate;
  }
  void found_nothing() { rest_ = late_ ? kRestLate : kRestEmpty; }

 private:
  static constexpr uint64_t kLateNs = 100'000;
  static constexpr unsigned kRestEmpty = 16;  // answers
  static constexpr unsigned kRestLate = 1024;
  unsigned rest_ = 0;
  bool late_ = false;
};

napi_value make_int(napi_env env, int value) {
  napi_value made;
  napi_create_int32(env, value, &made);
  return made;
}

int32_t int_of(napi_env env, napi_value value) {
  int32_t number = -1;
  napi_get_value_int32(env, value, &number);
  return number;
}

// A listener, the loop that drains it and the functions of NativeNotifier.
class NotifyHandle : public PollOwner {
 public:
  NotifyHandle(napi_env env, base::UniqueFd listener, int32_t* event, double* wide)
      : notifier_(std::move(listener), event, wide), env_(env), event_(event) {}

  [[nodiscard]] int start(const std::shared_ptr<NotifyHandle>& self, napi_value on_event, napi_value on_end,
                          napi_value arrays) {
    int failed = 0;
    poll_ = Poll::start(env_, notifier_.listener(), self, failed);
    if (poll_ == nullptr) return failed;
    napi_value name;
    napi_create_string_utf8(env_, "sallyport:notify", NAPI_AUTO_LENGTH, &name);
    napi_async_init(env_, arrays, name, &context_);
    napi_create_reference(env_, on_event, 1, &on_event_);
    napi_create_reference(env_, on_end, 1, &on_end_);
    // Keeps the two shared arrays alive while the notifier writes to them.
    napi_create_reference(env_, arrays, 1, &arrays_);
    return 0;
  }

  void on_ready(int events) override {
    napi_handle_scope handles;
    napi_open_handle_scope(env_, &handles);
    napi_value resource;
    napi_value callback;
    napi_get_reference_value(env_, arrays_, &resource);
    napi_get_reference_value(env_, on_event_, &callback);
    // One scope for the whole drain: promises that the callbacks settled go on when it closes.
    napi_callback_scope scope;
    napi_open_callback_scope(env_, resource, context_, &scope);
    drain(callback, resource, events);
    napi_close_callback_scope(env_, scope);
    napi_close_handle_scope(env_, handles);
  }

  void on_environment_end() override { close(); }

  void close() {
    if (poll_ == nullptr) return;
    std::exchange(poll_, nullptr)->stop();
    notifier_.close();
    napi_async_destroy(env_, context_);
    napi_delete_reference(env_, on_event_);
    napi_delete_reference(env_, on_end_);
    napi_delete_reference(env_, arrays_);
  }

  notify::Notifier& notifier() { return notifier_; }

 private:
  void drain(napi_value callback, napi_value receiver, int events) {
    std::array<int32_t, kMaxPerWakeUp> slots;
    size_t count = 0;
    bool lingered = false;
    // EPOLLIN without a hang-up: something waits, and the first RECV will not block.
    bool known_readable = (events & UV_DISCONNECT) == 0;
    for (size_t tries = 0; tries < 2 * kMaxPerWakeUp && count < kMaxPerWakeUp && poll_ != nullptr; tries++) {
      const notify::Received received = notifier_.receive(known_readable);
      known_readable = false;
      if (received == notify::Received::kEmpty) {
        if (lingered) linger_.found_nothing();
        return;
      }
      if (lingered) linger_.found();
      lingered = false;
      if (received == notify::Received::kEnded) return end(receiver);
      if (received == notify::Received::kRetry) continue;
      slots[count++] = event_[notify::kSlot];
      if (!call(callback, receiver)) {
        // The owner is broken: whoever waits must not wait for an answer that never comes.
        for (size_t at = 0; at < count; at++) (void)notifier_.reply_error(slots[at], EPERM);
        make_exception_fatal(env_);
        return;
      }
      lingered = linger_.pause();
    }
  }

  bool call(napi_value callback, napi_value receiver) {
    const napi_value paths[2] = {string_of(env_, notifier_.path_one()),
                                 string_of(env_, notifier_.path_two())};
    return napi_call_function(env_, receiver, callback, 2, paths, nullptr) == napi_ok;
  }

  void end(napi_value receiver) {
    if (poll_ == nullptr) return;
    napi_value on_end;
    napi_get_reference_value(env_, on_end_, &on_end);
    close();
    if (napi_call_function(env_, receiver, on_end, 0, nullptr, nullptr) != napi_ok)
      make_exception_fatal(env_);
  }

  notify::Notifier notifier_;
  napi_env env_;
  int32_t* event_;
  Linger linger_;
  Poll* poll_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_ref on_event_ = nullptr;
  napi_ref on_end_ = nullptr;
  napi_ref arrays_ = nullptr;
};

napi_value reply_fd(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  auto& handle = method_arguments<NotifyHandle>(env, info, arguments);
  const int32_t fd = int_of(env, arguments[1]);
  if (fd < 0) return make_int(env, -EBADF);
  const bool close_on_exec = int_of(env, arguments[2]) != 0;
  const bool may_write_program = int_of(env, arguments[3]) != 0;
  return make_int(env, handle.notifier().reply_fd(int_of(env, arguments[0]), base::UniqueFd(fd),
                                                  close_on_exec, may_write_program));
}

napi_value reply_error(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  auto& handle = method_arguments<NotifyHandle>(env, info, arguments);
  return make_int(env, handle.notifier().reply_error(int_of(env, arguments[0]), int_of(env, arguments[1])));
}

napi_value reply_value(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  auto& handle = method_arguments<NotifyHandle>(env, info, arguments);
  int64_t value = 0;
  if (napi_get_value_int64(env, arguments[1], &value) != napi_ok) return make_int(env, -EINVAL);
  return make_int(env, handle.notifier().reply_value(int_of(env, arguments[0]), value));
}

napi_value is_valid(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  auto& handle = method_arguments<NotifyHandle>(env, info, arguments);
  return make_int(env, handle.notifier().is_valid(int_of(env, arguments[0])) ? 1 : 0);
}

napi_value data(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  auto& handle = method_arguments<NotifyHandle>(env, info, arguments);
  const std::vector<uint8_t>* bytes = handle.notifier().data(int_of(env, arguments[0]));
  napi_value made;
  if (bytes == nullptr) {
    napi_get_null(env, &made);
    return made;
  }
  void* copy = nullptr;
  napi_value buffer;
  napi_create_arraybuffer(env, bytes->size(), &copy, &buffer);
  if (!bytes->empty()) std::memcpy(copy, bytes->data(), bytes->size());
  napi_create_typedarray(env, napi_uint8_array, bytes->size(), buffer, 0, &made);
  return made;
}

napi_value close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  method_arguments<NotifyHandle>(env, info, arguments).close();
  return nullptr;
}

Napi::Value start_notifier(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !info[1].IsFunction() || !info[2].IsFunction()) {
    throw_type_error(env, "startNotifier(listenerFd, onEvent, onEnd)");
    return env.Undefined();
  }
  Napi::Int32Array event = Napi::Int32Array::New(env, notify::kEventFields);
  Napi::Float64Array wide = Napi::Float64Array::New(env, notify::kWideFields);
  Napi::Object object = Napi::Object::New(env);
  object.Set("event", event);
  object.Set("wide", wide);
  // Not the object itself: it is the caller's to change, and the arrays must stay.
  Napi::Object arrays = Napi::Object::New(env);
  arrays.Set(0U, event.ArrayBuffer());
  arrays.Set(1U, wide.ArrayBuffer());
  auto handle =
      std::make_shared<NotifyHandle>(env, base::UniqueFd(int_at(info, 0)), event.Data(), wide.Data());
  if (const int failed = handle->start(handle, info[1], info[2], arrays); failed != 0) {
    throw_failure(env, {"epoll_ctl", -failed});
    return env.Undefined();
  }
  add_method(env, object, "replyFd", reply_fd, handle);
  add_method(env, object, "replyError", reply_error, handle);
  add_method(env, object, "replyValue", reply_value, handle);
  add_method(env, object, "isValid", is_valid, handle);
  add_method(env, object, "data", data, handle);
  add_method(env, object, "close", close, handle);
  return object;
}

}  // namespace

void register_notify(Napi::Env env, Napi::Object exports) {
  export_function<start_notifier>(env, exports, "startNotifier");
}

}  // namespace binding
