#pragma once

#include <node_api.h>
#include <uv.h>

#include <memory>

// One descriptor watched by the event loop of an environment, and what a C++ object needs to live as long as
// the watch and as long as JavaScript holds functions of it.
namespace binding {

// Gets the events. Its callbacks may call Poll::stop() and are not called after it.
class PollOwner {
 public:
  PollOwner() = default;
  PollOwner(const PollOwner&) = delete;
  PollOwner& operator=(const PollOwner&) = delete;
  virtual ~PollOwner() = default;
  // `events` of uv_poll_t.
  virtual void on_ready(int events) = 0;
  // The environment ends: close everything without a call into JavaScript.
  virtual void on_environment_end() = 0;
};

// Ends itself after stop(), when libuv has let go of the handle; keeps `owner` alive until then.
class Poll {
 public:
  // Null with the libuv error (-errno) in `failed`.
  static Poll* start(napi_env env, int fd, std::shared_ptr<PollOwner> owner, int& failed,
                     int events = UV_READABLE | UV_DISCONNECT);
  // Watches for these events from now on; 0: for none.
  void want(int events);
  // Whether the event loop goes on for it; at first it does.
  void keep_loop(bool keeps);
  // False once libuv itself has stopped it, which it does for a descriptor in error (EPOLLERR).
  [[nodiscard]] bool is_watching() const;
  // The descriptor may be closed as soon as this returns. Once.
  void stop();

 private:
  explicit Poll(std::shared_ptr<PollOwner> owner) : owner_(std::move(owner)) {}
  static void on_event(uv_poll_t* handle, int status, int events);
  static void on_cleanup(napi_async_cleanup_hook_handle hook, void* poll);

  uv_poll_t handle_{};
  std::shared_ptr<PollOwner> owner_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

// Adds method `name` to `object`. The callback gets a std::shared_ptr<T>* as its data, which the function
// keeps alive.
template <typename T>
void add_method(napi_env env, napi_value object, const char* name, napi_callback callback,
                const std::shared_ptr<T>& owner) {
  auto* kept = new std::shared_ptr<T>(owner);
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, kept, &function);
  napi_add_finalizer(
      env, function, kept, [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<T>*>(data); },
      nullptr, nullptr);
  napi_set_named_property(env, object, name, function);
}

// The owner of the method that is being called, and its arguments; missing ones are undefined.
template <typename T, size_t N>
T& method_arguments(napi_env env, napi_callback_info info, napi_value (&arguments)[N]) {
  size_t count = N;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
  return **static_cast<std::shared_ptr<T>*>(data);
}

// An exception of a callback is nobody's to catch: it becomes the process's uncaughtException.
void make_exception_fatal(napi_env env);

}  // namespace binding
