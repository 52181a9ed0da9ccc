#include <array>
#include <memory>
#include <span>
#include <utility>

#include "binding/binding.h"
#include "binding/poll.h"
#include "binding/values.h"
#include "linux/socket/seqpacket.h"

namespace binding {

namespace {

constexpr size_t kMaxPerWakeUp = 64;

// The buffer into which all channels of an environment receive; one message is there at a time.
struct Inbox {
  Napi::Reference<Napi::ArrayBuffer> buffer;
};

class ChannelHandle : public PollOwner {
 public:
  ChannelHandle(napi_env env, base::UniqueFd fd, Inbox& inbox)
      : fd_(std::move(fd)), env_(env), inbox_(inbox) {}

  [[nodiscard]] int start(const std::shared_ptr<ChannelHandle>& self, napi_value on_message,
                          napi_value on_close, napi_value object) {
    int failed = 0;
    poll_ = Poll::start(env_, fd_.get(), self, failed);
    if (poll_ == nullptr) return failed;
    napi_value name;
    napi_create_string_utf8(env_, "sallyport:channel", NAPI_AUTO_LENGTH, &name);
    napi_async_init(env_, object, name, &context_);
    napi_create_reference(env_, on_message, 1, &on_message_);
    napi_create_reference(env_, on_close, 1, &on_close_);
    napi_create_reference(env_, object, 1, &object_);
    return 0;
  }

  void on_ready(int) override {
    napi_handle_scope handles;
    napi_open_handle_scope(env_, &handles);
    napi_value object;
    napi_value callback;
    napi_get_reference_value(env_, object_, &object);
    napi_get_reference_value(env_, on_message_, &callback);
    napi_callback_scope scope;
    napi_open_callback_scope(env_, object, context_, &scope);
    drain(callback, object);
    napi_close_callback_scope(env_, scope);
    napi_close_handle_scope(env_, handles);
  }

  void on_environment_end() override { close(); }

  void close() {
    if (poll_ == nullptr) return;
    std::exchange(poll_, nullptr)->stop();
    fd_.reset();
    napi_async_destroy(env_, context_);
    napi_delete_reference(env_, on_message_);
    napi_delete_reference(env_, on_close_);
    napi_delete_reference(env_, object_);
  }

  int send(const void* bytes, size_t size_bytes, std::span<const int> passed) {
    return fd_.valid() ? sockets::send(fd_.get(), bytes, size_bytes, passed) : -EPIPE;
  }

 private:
  void drain(napi_value callback, napi_value receiver) {
    const Napi::ArrayBuffer buffer = inbox_.buffer.Value();
    for (size_t count = 0; count < kMaxPerWakeUp && poll_ != nullptr; count++) {
      sockets::Message message;
      const int received =
          sockets::receive(fd_.get(), const_cast<Napi::ArrayBuffer&>(buffer).Data(), message);
      if (received == -EAGAIN || received == -EINTR) return;
      if (received <= 0) return end(receiver, -received);
      if (!call(callback, receiver, buffer, message)) return make_exception_fatal(env_);
    }
  }

  bool call(napi_value callback, napi_value receiver, napi_value buffer, sockets::Message& message) {
    napi_handle_scope handles;
    napi_open_handle_scope(env_, &handles);
    napi_value arguments[5];
    napi_create_typedarray(env_, napi_uint8_array, message.size_bytes, buffer, 0, &arguments[0]);
    napi_create_int32(env_, message.pid, &arguments[1]);
    napi_create_int64(env_, message.uid, &arguments[2]);
    napi_create_int64(env_, message.gid, &arguments[3]);
    napi_create_array_with_length(env_, message.fd_count, &arguments[4]);
    for (uint32_t at = 0; at < message.fd_count; at++) {
      napi_value fd;
      napi_create_int32(env_, message.fds[at].release(), &fd);
      napi_set_element(env_, arguments[4], at, fd);
    }
    const napi_status status = napi_call_function(env_, receiver, callback, 5, arguments, nullptr);
    napi_close_handle_scope(env_, handles);
    return status == napi_ok;
  }

  void end(napi_value receiver, int error) {
    napi_value on_close;
    napi_value code;
    napi_get_reference_value(env_, on_close_, &on_close);
    napi_create_int32(env_, error, &code);
    close();
    if (napi_call_function(env_, receiver, on_close, 1, &code, nullptr) != napi_ok)
      make_exception_fatal(env_);
  }

  base::UniqueFd fd_;
  napi_env env_;
  Inbox& inbox_;
  Poll* poll_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_ref on_message_ = nullptr;
  napi_ref on_close_ = nullptr;
  napi_ref object_ = nullptr;
};

napi_value send(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  auto& handle = method_arguments<ChannelHandle>(env, info, arguments);
  int32_t fd = -1;
  napi_get_value_int32(env, arguments[1], &fd);
  const base::UniqueFd closed_here(fd);
  const std::span<const int> passed(&fd, fd < 0 ? 0 : 1);
  napi_typedarray_type type;
  size_t size = 0;
  void* bytes = nullptr;
  int result = -EINVAL;
  if (napi_get_typedarray_info(env, arguments[0], &type, &size, &bytes, nullptr, nullptr) == napi_ok &&
      type == napi_uint8_array) {
    result = handle.send(bytes, size, passed);
  }
  napi_value made;
  napi_create_int32(env, result, &made);
  return made;
}

napi_value close(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  method_arguments<ChannelHandle>(env, info, arguments).close();
  return nullptr;
}

Napi::Value start_channel(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !info[1].IsFunction() || !info[2].IsFunction()) {
    throw_type_error(env, "startChannel(fd, onMessage, onClose)");
    return env.Undefined();
  }
  Inbox& inbox = *static_cast<Inbox*>(info.Data());
  Napi::Object object = Napi::Object::New(env);
  auto handle = std::make_shared<ChannelHandle>(env, base::UniqueFd(int_at(info, 0)), inbox);
  if (const int failed = handle->start(handle, info[1], info[2], object); failed != 0) {
    throw_failure(env, {"epoll_ctl", -failed});
    return env.Undefined();
  }
  add_method(env, object, "send", send, handle);
  add_method(env, object, "close", close, handle);
  return object;
}

Napi::Value socket_pair(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  base::Result<sockets::Pair> pair = sockets::make_pair();
  if (!pair.ok()) {
    throw_failure(env, pair.failure());
    return env.Undefined();
  }
  Napi::Array ends = Napi::Array::New(env, 2);
  ends.Set(0U, integer(env, pair.value().broker.release()));
  ends.Set(1U, integer(env, pair.value().client.release()));
  return ends;
}

}  // namespace

void register_channel(Napi::Env env, Napi::Object exports) {
  auto* inbox = new Inbox{Napi::Persistent(Napi::ArrayBuffer::New(env, sockets::kMaxFrameBytes))};
  env.AddCleanupHook([](Inbox* ended) { delete ended; }, inbox);
  exports.Set("startChannel", Napi::Function::New<start_channel>(env, "startChannel", inbox));
  export_function<socket_pair>(env, exports, "socketPair");
}

}  // namespace binding
