#include "binding/poll.h"

#include <utility>

namespace binding {

Poll* Poll::start(napi_env env, int fd, std::shared_ptr<PollOwner> owner, int& failed, int events) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
    failed = UV_EINVAL;
    return nullptr;
  }
  auto* poll = new Poll(std::move(owner));
  failed = uv_poll_init(loop, &poll->handle_, fd);
  if (failed != 0) {
    delete poll;
    return nullptr;
  }
  poll->handle_.data = poll;
  failed = uv_poll_start(&poll->handle_, events, on_event);
  napi_add_async_cleanup_hook(env, on_cleanup, poll, &poll->hook_);
  return poll;
}

void Poll::want(int events) {
  (void)(events == 0 ? uv_poll_stop(&handle_) : uv_poll_start(&handle_, events, on_event));
}

void Poll::keep_loop(bool keeps) {
  auto* handle = reinterpret_cast<uv_handle_t*>(&handle_);
  keeps ? uv_ref(handle) : uv_unref(handle);
}
bool Poll::is_watching() const { return uv_is_active(reinterpret_cast<const uv_handle_t*>(&handle_)) != 0; }

void Poll::on_event(uv_poll_t* handle, int status, int events) {
  // libuv names a descriptor in error (EPOLLERR alone) by its status: the read that follows says which error
  // it is.
  static_cast<Poll*>(handle->data)->owner_->on_ready(status < 0 ? UV_READABLE | UV_DISCONNECT : events);
}

void Poll::on_cleanup(napi_async_cleanup_hook_handle, void* poll) {
  static_cast<Poll*>(poll)->owner_->on_environment_end();
}

void Poll::stop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_), [](uv_handle_t* handle) {
    auto* poll = static_cast<Poll*>(handle->data);
    // At the end of the environment Node waits for this removal, so it comes after the handle is closed.
    napi_remove_async_cleanup_hook(poll->hook_);
    delete poll;
  });
}

void make_exception_fatal(napi_env env) {
  bool pending = false;
  napi_value exception;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

}  // namespace binding
