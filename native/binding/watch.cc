#include <memory>
#include <optional>
#include <utility>

#include "binding/binding.h"
#include "binding/poll.h"
#include "binding/values.h"
#include "linux/watch/executions.h"
#include "linux/watch/mounts.h"

namespace binding {

namespace {

// The group, what its thread was in before, and the callback that decides.
class WatchHandle : public PollOwner {
 public:
  WatchHandle(napi_env env, watch::Executions executions) : env_(env), executions_(std::move(executions)) {}

  [[nodiscard]] int start(const std::shared_ptr<WatchHandle>& self, napi_value decide, napi_value object) {
    int failed = 0;
    poll_ = Poll::start(env_, executions_.group(), self, failed);
    if (poll_ == nullptr) return failed;
    napi_value name;
    napi_create_string_utf8(env_, "sallyport:watch", NAPI_AUTO_LENGTH, &name);
    napi_async_init(env_, object, name, &context_);
    napi_create_reference(env_, decide, 1, &decide_);
    napi_create_reference(env_, object, 1, &object_);
    return 0;
  }

  void on_ready(int) override {
    napi_handle_scope handles;
    napi_open_handle_scope(env_, &handles);
    napi_value object;
    napi_value decide;
    napi_get_reference_value(env_, object_, &object);
    napi_get_reference_value(env_, decide_, &decide);
    napi_callback_scope scope;
    napi_open_callback_scope(env_, object, context_, &scope);
    const bool whole = executions_.answer([&](int fd, pid_t pid) { return call(object, decide, fd, pid); });
    if (!whole) close();
    napi_close_callback_scope(env_, scope);
    napi_close_handle_scope(env_, handles);
  }

  void on_environment_end() override { close(); }

  void close() {
    if (poll_ == nullptr) return;
    std::exchange(poll_, nullptr)->stop();
    executions_.close();
    napi_async_destroy(env_, context_);
    napi_delete_reference(env_, decide_);
    napi_delete_reference(env_, object_);
  }

 private:
  bool call(napi_value object, napi_value decide, int fd, pid_t pid) {
    napi_handle_scope handles;
    napi_open_handle_scope(env_, &handles);
    napi_value arguments[2];
    napi_create_int32(env_, fd, &arguments[0]);
    napi_create_int32(env_, pid, &arguments[1]);
    napi_value answer;
    bool allowed = false;
    const bool done = napi_call_function(env_, object, decide, 2, arguments, &answer) == napi_ok &&
                      napi_get_value_bool(env_, answer, &allowed) == napi_ok;
    napi_close_handle_scope(env_, handles);
    if (!done) make_exception_fatal(env_);
    return done && allowed;
  }

  napi_env env_;
  watch::Executions executions_;
  Poll* poll_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_ref decide_ = nullptr;
  napi_ref object_ = nullptr;
};

napi_value close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  method_arguments<WatchHandle>(env, info, arguments).close();
  return nullptr;
}

Napi::Value start_watch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsFunction()) {
    throw_type_error(env, "startExecutionWatch(decide)");
    return env.Undefined();
  }
  base::Result<watch::Executions> executions = watch::Executions::watch_own_mounts();
  if (!executions.ok()) {
    throw_failure(env, executions.failure());
    return env.Undefined();
  }
  Napi::Object object = Napi::Object::New(env);
  auto handle = std::make_shared<WatchHandle>(env, std::move(executions.value()));
  if (const int failed = handle->start(handle, info[0], object); failed != 0) {
    throw_failure(env, {"epoll_ctl", -failed});
    return env.Undefined();
  }
  add_method(env, object, "close", close, handle);
  return object;
}

using Inside = std::optional<watch::Before>;

Napi::Value enter_mounts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto& inside = *static_cast<Inside*>(info.Data());
  if (inside.has_value()) {
    throw_failure(env, {"unshare", EBUSY});
    return env.Undefined();
  }
  base::Result<watch::Before> before = watch::enter_own_mounts();
  if (before.ok())
    inside = std::move(before.value());
  else
    throw_failure(env, before.failure());
  return env.Undefined();
}

Napi::Value leave_mounts(const Napi::CallbackInfo& info) {
  auto& inside = *static_cast<Inside*>(info.Data());
  if (!inside.has_value()) return info.Env().Undefined();
  base::Result<base::Done> left = watch::leave_own_mounts(*inside);
  inside.reset();
  if (!left.ok()) throw_failure(info.Env(), left.failure());
  return info.Env().Undefined();
}

}  // namespace

void register_watch(Napi::Env env, Napi::Object exports) {
  auto* inside = new Inside;
  env.AddCleanupHook([](Inside* ended) { delete ended; }, inside);
  export_function<start_watch>(env, exports, "startExecutionWatch");
  exports.Set("enterOwnMounts", Napi::Function::New<enter_mounts>(env, "enterOwnMounts", inside));
  exports.Set("leaveOwnMounts", Napi::Function::New<leave_mounts>(env, "leaveOwnMounts", inside));
}

}  // namespace binding
