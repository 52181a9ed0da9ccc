#include "linux/socket/pump.h"

#include <napi.h>
#include <uv.h>

#include <memory>

#include "base/check.h"
#include "binding/binding.h"
#include "binding/poll.h"

namespace binding {
namespace {

using sockets::Pump;

// One NativePump. Keeps itself until both of its libuv handles are closed.
class PumpHandle : public std::enable_shared_from_this<PumpHandle> {
 public:
  PumpHandle(Napi::Env env, Pump pump, Napi::Function done)
      : env_(env), pump_(std::move(pump)), done_(Napi::Persistent(done)) {}

  void open() {
    uv_loop_t* loop = nullptr;
    CHECK(napi_get_uv_event_loop(env_, &loop) == napi_ok);
    self_ = shared_from_this();
    from_.data = this;
    to_.data = this;
    CHECK(uv_poll_init(loop, &from_, pump_.from()) == 0);
    CHECK(uv_poll_init(loop, &to_, pump_.to()) == 0);
    CHECK(napi_add_async_cleanup_hook(env_, on_teardown, this, &cleanup_) == napi_ok);
    wait_for(Pump::Wants::readable);
  }

  Napi::Object object() {
    const auto self = shared_from_this();
    Napi::Object out = Napi::Object::New(env_);
    const auto method = [&](const char* name, auto act) {
      out.Set(name, Napi::Function::New(env_, [self, act](const Napi::CallbackInfo& info) -> Napi::Value {
                return act(*self, info);
              }));
    };
    method("bytes", [](PumpHandle& pump, const Napi::CallbackInfo& info) -> Napi::Value {
      return Napi::Number::New(info.Env(), static_cast<double>(pump.pump_.bytes()));
    });
    method("pause", [](PumpHandle& pump, const Napi::CallbackInfo& info) -> Napi::Value {
      if (pump.open_) pump.stop_waiting();
      return info.Env().Undefined();
    });
    method("resume", [](PumpHandle& pump, const Napi::CallbackInfo& info) -> Napi::Value {
      if (pump.open_) pump.wait_for(pump.wants_);
      return info.Env().Undefined();
    });
    method("close", [](PumpHandle& pump, const Napi::CallbackInfo& info) -> Napi::Value {
      pump.close();
      return info.Env().Undefined();
    });
    return out;
  }

 private:
  void wait_for(Pump::Wants wants) {
    stop_waiting();
    wants_ = wants;
    uv_poll_t* handle = wants == Pump::Wants::writable ? &to_ : &from_;
    CHECK(uv_poll_start(handle, wants == Pump::Wants::writable ? UV_WRITABLE : UV_READABLE, on_ready) == 0);
  }

  void stop_waiting() {
    (void)uv_poll_stop(&from_);
    (void)uv_poll_stop(&to_);
  }

  static void on_ready(uv_poll_t* handle, int, int) {
    const auto self = static_cast<PumpHandle*>(handle->data)->shared_from_this();
    base::Result<Pump::Wants> result = self->pump_.run();
    if (!result.ok()) return self->finish(result.failure().error);
    if (result.value() == Pump::Wants::nothing) return self->finish(0);
    if (result.value() != self->wants_) self->wait_for(result.value());
  }

  void finish(int error) {
    const Napi::HandleScope scope(env_);
    const napi_value arguments[] = {Napi::Number::New(env_, error)};
    const Napi::FunctionReference done = std::move(done_);
    close();
    napi_value result = nullptr;
    if (napi_make_callback(env_, nullptr, env_.Global(), done.Value(), 1, arguments, &result) ==
        napi_pending_exception) {
      make_exception_fatal(env_);
    }
  }

  void close() {
    if (!open_) return;
    open_ = false;
    done_.Reset();
    for (uv_poll_t* handle : {&from_, &to_}) {
      (void)uv_poll_stop(handle);
      uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) {
        auto* pump = static_cast<PumpHandle*>(closed->data);
        if (++pump->closed_ < 2) return;
        // Not before: libuv must not see a watched descriptor vanish.
        pump->pump_.close();
        (void)napi_remove_async_cleanup_hook(pump->cleanup_);
        pump->self_.reset();
      });
    }
  }

  static void on_teardown(napi_async_cleanup_hook_handle, void* data) {
    static_cast<PumpHandle*>(data)->close();
  }

  Napi::Env env_;
  Pump pump_;
  Napi::FunctionReference done_;
  uv_poll_t from_{};
  uv_poll_t to_{};
  Pump::Wants wants_ = Pump::Wants::readable;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  std::shared_ptr<PumpHandle> self_;
  int closed_ = 0;
  bool open_ = true;
};

Napi::Value start_pump(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !info[1].IsNumber() || !info[2].IsFunction()) {
    throw_type_error(env, "startPump(fromFd, toFd, done)");
    return {};
  }
  base::Result<Pump> pump =
      Pump::create(info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().Int32Value());
  if (!pump.ok()) {
    throw_failure(env, pump.failure());
    return {};
  }
  const auto handle =
      std::make_shared<PumpHandle>(env, std::move(pump.value()), info[2].As<Napi::Function>());
  handle->open();
  return handle->object();
}

}  // namespace

void register_pump(Napi::Env env, Napi::Object exports) {
  exports.Set("startPump", Napi::Function::New(env, start_pump));
}

}  // namespace binding
