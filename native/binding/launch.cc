#include <napi.h>
#include <uv.h>

#include <deque>
#include <memory>
#include <set>
#include <vector>

#include "base/check.h"
#include "binding/binding.h"
#include "binding/endpoint.h"
#include "binding/launch_spec.h"
#include "linux/launch/launcher_client.h"

namespace binding {
namespace {

// One NativeLauncher. Lives as long as its JS object or its libuv handles, whichever ends later.
class Launcher : public std::enable_shared_from_this<Launcher> {
 public:
  Launcher(Napi::Env env, launch::LauncherClient client, Napi::Function on_exit, Napi::Function on_end)
      : env_(env),
        client_(std::move(client)),
        on_exit_(Napi::Persistent(on_exit)),
        on_end_(Napi::Persistent(on_end)) {}

  void open() {
    uv_loop_t* loop = nullptr;
    CHECK(napi_get_uv_event_loop(env_, &loop) == napi_ok);
    self_ = shared_from_this();
    socket_poll_.data = this;
    pid_poll_.data = this;
    CHECK(uv_poll_init(loop, &socket_poll_, client_.socket()) == 0);
    CHECK(uv_poll_init(loop, &pid_poll_, client_.pidfd()) == 0);
    CHECK(uv_poll_start(&socket_poll_, UV_READABLE, on_readable) == 0);
    CHECK(uv_poll_start(&pid_poll_, UV_READABLE, on_launcher_exit) == 0);
    uv_unref(reinterpret_cast<uv_handle_t*>(&pid_poll_));
    keep_loop_alive();
    CHECK(napi_add_async_cleanup_hook(env_, on_teardown, this, &cleanup_) == napi_ok);
  }

  Napi::Object object() {
    const auto self = shared_from_this();
    Napi::Object out = Napi::Object::New(env_);
    out.Set("pid", Napi::Number::New(env_, client_.pid()));
    out.Set("launch",
            Napi::Function::New(env_, [self](const Napi::CallbackInfo& info) { self->launch(info); }));
    out.Set("enterNetwork",
            Napi::Function::New(env_, [self](const Napi::CallbackInfo& info) { self->enter_network(info); }));
    out.Set("openEndpoint",
            Napi::Function::New(env_, [self](const Napi::CallbackInfo& info) { self->open_endpoint(info); }));
    out.Set("signal",
            Napi::Function::New(env_, [self](const Napi::CallbackInfo& info) { return self->signal(info); }));
    out.Set("end", Napi::Function::New(env_, [self](const Napi::CallbackInfo& info) { self->end(info); }));
    out.Set("freeze",
            Napi::Function::New(env_, [self](const Napi::CallbackInfo& info) { self->freeze(info); }));
    out.Set("thaw", Napi::Function::New(env_, [self](const Napi::CallbackInfo& info) { self->thaw(info); }));
    out.Set("close",
            Napi::Function::New(env_, [self](const Napi::CallbackInfo&) { self->close_socket(ECANCELED); }));
    return out;
  }

 private:
  void launch(const Napi::CallbackInfo& info) {
    plan::LaunchPlan plan;
    std::vector<int> fds;
    if (!info[0].IsObject() || !info[1].IsFunction() ||
        !read_launch_spec(info[0].As<Napi::Object>(), plan, fds)) {
      if (!env_.IsExceptionPending()) throw_type_error(env_, "launch(spec, done): a field of spec is wrong");
      return;
    }
    const auto done = info[1].As<Napi::Function>();
    if (!open_) return fail_later(done, {"sendmsg", EPIPE});
    wait_for(client_.launch(plan, fds), done);
  }

  void enter_network(const Napi::CallbackInfo& info) {
    if (!info[0].IsBoolean() || !info[1].IsFunction())
      return throw_type_error(env_, "enterNetwork(withUser, done)");
    const auto done = info[1].As<Napi::Function>();
    if (!open_) return fail_later(done, {"sendmsg", EPIPE});
    wait_for(client_.enter_network(info[0].As<Napi::Boolean>().Value()), done);
  }

  void open_endpoint(const Napi::CallbackInfo& info) {
    plan::Endpoint endpoint{};
    if (!read_endpoint(info, endpoint) || !info[3].IsFunction())
      return throw_type_error(env_, "openEndpoint(use, address, port, done)");
    const auto done = info[3].As<Napi::Function>();
    if (!open_) return fail_later(done, {"sendmsg", EPIPE});
    wait_for(client_.open_endpoint(endpoint), done);
  }

  void freeze(const Napi::CallbackInfo& info) {
    if (!info[0].IsFunction()) return throw_type_error(env_, "freeze(done)");
    const auto done = info[0].As<Napi::Function>();
    if (!open_) return fail_later(done, {"sendmsg", EPIPE});
    wait_for(client_.freeze(), done);
  }

  void thaw(const Napi::CallbackInfo& info) {
    if (!info[0].IsFunction()) return throw_type_error(env_, "thaw(done)");
    const auto done = info[0].As<Napi::Function>();
    if (!open_) return fail_later(done, {"sendmsg", EPIPE});
    wait_for(client_.thaw(), done);
  }

  void wait_for(const base::Result<base::Done>& sent, const Napi::Function& done) {
    if (!sent.ok()) return fail_later(done, sent.failure());
    pending_.push_back(Napi::Persistent(done));
    keep_loop_alive();
  }

  // `done` is never called before launch() has returned.
  void fail_later(const Napi::Function& done, const base::Failure& why) {
    const auto bind = done.Get("bind").As<Napi::Function>();
    const Napi::Value bound =
        bind.Call(done, {env_.Undefined(), failure("launcher", why.call, why.error), env_.Null()});
    if (!env_.IsExceptionPending())
      (void)env_.Global().Get("queueMicrotask").As<Napi::Function>().Call({bound});
  }

  Napi::Value signal(const Napi::CallbackInfo& info) {
    const int pid = info[0].ToNumber().Int32Value();
    if (!open_ || pid == INT32_MIN || !live_.contains(pid < 0 ? -pid : pid))
      return Napi::Number::New(env_, -ESRCH);
    base::Result<base::Done> sent = client_.signal(pid, info[1].ToNumber().Int32Value());
    return Napi::Number::New(env_, sent.ok() ? 0 : -sent.failure().error);
  }

  void end(const Napi::CallbackInfo& info) {
    if (!open_) return;
    base::Result<base::Done> sent = client_.end(info[0].ToNumber().Int32Value());
    if (!sent.ok()) return throw_failure(env_, sent.failure());
    ending_ = true;
    keep_loop_alive();
  }

  // Node stays while somebody waits for something: a launch, a program, the end of the run.
  void keep_loop_alive() {
    if (!open_) return;
    auto* handle = reinterpret_cast<uv_handle_t*>(&socket_poll_);
    if (!pending_.empty() || !live_.empty() || (ending_ && !ended_)) {
      uv_ref(handle);
    } else {
      uv_unref(handle);
    }
  }

  static void on_readable(uv_poll_t* handle, int, int) {
    const auto self = static_cast<Launcher*>(handle->data)->shared_from_this();
    const Napi::HandleScope scope(self->env_);
    while (self->open_) {
      base::Result<launch::LauncherEvent> event = self->client_.next_event();
      if (event.ok()) {
        self->deliver(event.value());
      } else if (event.failure().error == EAGAIN) {
        break;
      } else {
        self->close_socket(ECHILD);
      }
    }
    self->keep_loop_alive();
  }

  void deliver(launch::LauncherEvent& event) {
    const plan::Reply& reply = event.reply;
    switch (reply.kind) {
      case plan::ReplyKind::launched: {
        live_.insert(reply.pid);
        Napi::Object launched = Napi::Object::New(env_);
        launched.Set("pid", Napi::Number::New(env_, reply.pid));
        launched.Set("pidfd", Napi::Number::New(env_, event.first.release()));
        launched.Set("listenerFd", Napi::Number::New(env_, event.listener.release()));
        return settle(env_.Null(), launched);
      }
      case plan::ReplyKind::failed:
        return settle(failure(plan::stage_name(reply.stage), reply.call, reply.value), env_.Null());
      case plan::ReplyKind::entered:
        return settle(env_.Null(), Napi::Boolean::New(env_, reply.value == 1));
      case plan::ReplyKind::opened:
        return settle(env_.Null(), Napi::Number::New(env_, event.first.release()));
      case plan::ReplyKind::frozen: {
        Napi::Object frozen = Napi::Object::New(env_);
        frozen.Set("processes", Napi::Number::New(env_, reply.value));
        frozen.Set("moving", Napi::Number::New(env_, reply.pid));
        return settle(env_.Null(), frozen);
      }
      case plan::ReplyKind::thawed:
        return settle(env_.Null(), Napi::Number::New(env_, reply.value));
      case plan::ReplyKind::exited:
        live_.erase(reply.pid);
        return call(on_exit_.Value(),
                    {Napi::Number::New(env_, reply.pid), Napi::Number::New(env_, reply.value)});
      case plan::ReplyKind::ended:
        ended_ = true;
        return call(on_end_.Value(), {Napi::Number::New(env_, reply.value)});
    }
    close_socket(EPROTO);
  }

  Napi::Object failure(const char* stage, const char* syscall, int error) {
    Napi::Object out = Napi::Object::New(env_);
    out.Set("stage", Napi::String::New(env_, stage));
    out.Set("syscall", Napi::String::New(env_, syscall));
    out.Set("errno", Napi::Number::New(env_, error));
    return out;
  }

  // Calls the oldest waiting `done`.
  void settle(Napi::Value failure, Napi::Value launched) {
    if (pending_.empty()) return close_socket(EPROTO);
    const Napi::FunctionReference done = std::move(pending_.front());
    pending_.pop_front();
    call(done.Value(), {failure, launched});
  }

  void call(const Napi::Function& callback, const std::vector<napi_value>& arguments) {
    napi_value result = nullptr;
    napi_value receiver = env_.Global();
    if (napi_make_callback(env_, nullptr, receiver, callback, arguments.size(), arguments.data(), &result) !=
        napi_pending_exception) {
      return;
    }
    napi_value error = nullptr;
    if (napi_get_and_clear_last_exception(env_, &error) == napi_ok) (void)napi_fatal_exception(env_, error);
  }

  // Ends the conversation; from here the launcher, if it lives, kills what is left. `error` is what pending
  // launches get.
  void close_socket(int error) {
    if (!open_) return;
    open_ = false;
    close_error_ = error;
    (void)uv_poll_stop(&socket_poll_);
    uv_close(reinterpret_cast<uv_handle_t*>(&socket_poll_), on_socket_closed);
  }

  static void on_socket_closed(uv_handle_t* handle) {
    auto* launcher = static_cast<Launcher*>(handle->data);
    const auto self = launcher->shared_from_this();
    // Not before: libuv may not see a watched descriptor vanish, and its number must not be re-used
    // meanwhile.
    self->client_.close_socket();
    self->socket_closed_ = true;
    if (!self->torn_down_) self->settle_all();
    self->release();
  }

  void settle_all() {
    const Napi::HandleScope scope(env_);
    while (!pending_.empty()) settle(failure("launcher", "recvmsg", close_error_), env_.Null());
    if (close_error_ != ECANCELED && !ended_) call(on_end_.Value(), {Napi::Number::New(env_, -1)});
    on_exit_.Reset();
    on_end_.Reset();
  }

  static void on_launcher_exit(uv_poll_t* handle, int, int) {
    auto* self = static_cast<Launcher*>(handle->data);
    (void)uv_poll_stop(handle);
    self->client_.reap();
    self->close_pid_poll();
  }

  void close_pid_poll() {
    auto* handle = reinterpret_cast<uv_handle_t*>(&pid_poll_);
    if (uv_is_closing(handle) != 0) return;
    uv_close(handle, [](uv_handle_t* closed) {
      const auto self = static_cast<Launcher*>(closed->data)->shared_from_this();
      // Not left to the garbage collector, which has no reason to hurry for a number.
      self->client_.close_pidfd();
      self->pid_closed_ = true;
      self->release();
    });
  }

  void release() {
    if (!socket_closed_ || !pid_closed_) return;
    (void)napi_remove_async_cleanup_hook(cleanup_);
    self_.reset();
  }

  // The environment goes away: nothing of JS may be touched after this returns.
  static void on_teardown(napi_async_cleanup_hook_handle, void* data) {
    auto* self = static_cast<Launcher*>(data);
    self->torn_down_ = true;
    self->pending_.clear();
    self->on_exit_.Reset();
    self->on_end_.Reset();
    self->close_socket(ECANCELED);
    self->close_pid_poll();
  }

  Napi::Env env_;
  launch::LauncherClient client_;
  Napi::FunctionReference on_exit_;
  Napi::FunctionReference on_end_;
  std::deque<Napi::FunctionReference> pending_;
  std::set<pid_t> live_;
  uv_poll_t socket_poll_{};
  uv_poll_t pid_poll_{};
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  std::shared_ptr<Launcher> self_;
  int close_error_ = 0;
  bool open_ = true;
  bool ending_ = false;
  bool ended_ = false;
  bool socket_closed_ = false;
  bool pid_closed_ = false;
  bool torn_down_ = false;
};

Napi::Value start_launcher(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsFunction() || !info[2].IsFunction()) {
    throw_type_error(env, "startLauncher(program, onExit, onEnd)");
    return {};
  }
  base::Result<launch::LauncherClient> client =
      launch::LauncherClient::start(info[0].As<Napi::String>().Utf8Value());
  if (!client.ok()) {
    throw_failure(env, client.failure());
    return {};
  }
  const auto launcher = std::make_shared<Launcher>(
      env, std::move(client.value()), info[1].As<Napi::Function>(), info[2].As<Napi::Function>());
  launcher->open();
  return launcher->object();
}

}  // namespace

void register_launch(Napi::Env env, Napi::Object exports) {
  exports.Set("startLauncher", Napi::Function::New(env, start_launcher));
}

}  // namespace binding
