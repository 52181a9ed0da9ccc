#include "linux/relay/relay.h"

#include <memory>
#include <utility>

#include "binding/binding.h"
#include "binding/poll.h"
#include "binding/values.h"

namespace binding {
namespace {

using relay::Ended;
using relay::Relay;

// One NativeRelay.
class RelayHandle : public PollOwner {
 public:
  RelayHandle(Napi::Env env, std::unique_ptr<Relay> made, Napi::Function ended, Napi::Function low)
      : env_(env), relay_(std::move(made)), ended_(Napi::Persistent(ended)), low_(Napi::Persistent(low)) {}

  [[nodiscard]] int start(const std::shared_ptr<RelayHandle>& self, int64_t low_below) {
    int failed = 0;
    low_below_ = low_below;
    relay_->low_below(low_below);
    poll_ = Poll::start(env_, relay_->notices(), self, failed);
    return failed;
  }

  void on_ready(int) override {
    const Napi::HandleScope scope(env_);
    for (const Ended& one : relay_->take_ended()) {
      const napi_value arguments[] = {integer(env_, static_cast<int64_t>(one.id)), integer(env_, one.error),
                                      integer(env_, static_cast<int64_t>(one.bytes))};
      call(ended_.Value(), 3, arguments);
      if (poll_ == nullptr) return;
    }
    if (relay_->budget() < low_below_) call(low_.Value(), 0, nullptr);
  }

  void on_environment_end() override { close(); }

  void close() {
    if (poll_ == nullptr) return;
    std::exchange(poll_, nullptr)->stop();
    relay_.reset();
    ended_.Reset();
    low_.Reset();
  }

  // Null once it is closed.
  [[nodiscard]] Relay* relay() const { return relay_.get(); }

 private:
  void call(napi_value callback, size_t count, const napi_value* arguments) {
    napi_value result = nullptr;
    if (napi_make_callback(env_, nullptr, env_.Global(), callback, count, arguments, &result) ==
        napi_pending_exception) {
      make_exception_fatal(env_);
    }
  }

  Napi::Env env_;
  std::unique_ptr<Relay> relay_;
  Napi::FunctionReference ended_;
  Napi::FunctionReference low_;
  Poll* poll_ = nullptr;
  int64_t low_below_ = 0;
};

napi_value number(napi_env env, int64_t value) { return integer(env, value); }

int64_t long_of(napi_env env, napi_value value) {
  int64_t read = 0;
  napi_get_value_int64(env, value, &read);
  return read;
}

napi_value add(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  Relay* relay = method_arguments<RelayHandle>(env, info, arguments).relay();
  if (relay == nullptr) return number(env, -EBADF);
  base::Result<uint64_t> id =
      relay->add(static_cast<int>(long_of(env, arguments[0])), static_cast<int>(long_of(env, arguments[1])));
  return number(env, id.ok() ? static_cast<int64_t>(id.value()) : -id.failure().error);
}

napi_value bytes(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  Relay* relay = method_arguments<RelayHandle>(env, info, arguments).relay();
  if (relay == nullptr) return number(env, 0);
  return number(env, static_cast<int64_t>(relay->bytes(static_cast<uint64_t>(long_of(env, arguments[0])))));
}

napi_value stop(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  Relay* relay = method_arguments<RelayHandle>(env, info, arguments).relay();
  if (relay == nullptr) return number(env, 0);
  return number(env, static_cast<int64_t>(relay->stop(static_cast<uint64_t>(long_of(env, arguments[0])))));
}

napi_value grant(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  Relay* relay = method_arguments<RelayHandle>(env, info, arguments).relay();
  if (relay != nullptr) relay->grant(long_of(env, arguments[0]));
  return nullptr;
}

napi_value close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  method_arguments<RelayHandle>(env, info, arguments).close();
  return nullptr;
}

Napi::Value start_relay(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !info[1].IsFunction() || !info[2].IsFunction()) {
    throw_type_error(env, "startRelay(lowBelowBytes, ended, low)");
    return env.Undefined();
  }
  base::Result<std::unique_ptr<Relay>> made = Relay::start();
  if (!made.ok()) {
    throw_failure(env, made.failure());
    return env.Undefined();
  }
  const auto handle = std::make_shared<RelayHandle>(
      env, std::move(made.value()), info[1].As<Napi::Function>(), info[2].As<Napi::Function>());
  if (const int failed = handle->start(handle, long_at(info, 0)); failed != 0) {
    throw_failure(env, {"epoll_ctl", -failed});
    return env.Undefined();
  }
  Napi::Object object = Napi::Object::New(env);
  add_method(env, object, "add", add, handle);
  add_method(env, object, "bytes", bytes, handle);
  add_method(env, object, "stop", stop, handle);
  add_method(env, object, "grant", grant, handle);
  add_method(env, object, "close", close, handle);
  return object;
}

}  // namespace

void register_relay(Napi::Env env, Napi::Object exports) {
  export_function<start_relay>(env, exports, "startRelay");
}

}  // namespace binding
