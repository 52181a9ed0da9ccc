#include "linux/socket/stream.h"

#include <netinet/in.h>

#include <array>
#include <memory>
#include <utility>

#include "binding/binding.h"
#include "binding/endpoint.h"
#include "binding/poll.h"
#include "binding/values.h"
#include "linux/netns/endpoint.h"

namespace binding {
namespace {

using Info = Napi::CallbackInfo;

// Reads into this; a copy of what came is handed out.
constexpr size_t kMostRead = 64U << 10U;

// One NativeWatch.
class WatchHandle : public PollOwner {
 public:
  WatchHandle(Napi::Env env, Napi::Function ready) : env_(env), ready_(Napi::Persistent(ready)) {}

  [[nodiscard]] int start(const std::shared_ptr<WatchHandle>& self, int fd, int events) {
    int failed = 0;
    poll_ = Poll::start(env_, fd, self, failed, events);
    return failed;
  }

  void on_ready(int events) override {
    if (poll_ == nullptr) return;
    // JavaScript asks again when it has something to wait for.
    poll_->want(0);
    const Napi::HandleScope scope(env_);
    const napi_value arguments[] = {integer(env_, events)};
    napi_value result = nullptr;
    if (napi_make_callback(env_, nullptr, env_.Global(), ready_.Value(), 1, arguments, &result) ==
        napi_pending_exception) {
      make_exception_fatal(env_);
    }
  }

  void on_environment_end() override { close(); }

  void want(int events) {
    if (poll_ != nullptr) poll_->want(events);
  }

  void close() {
    if (poll_ == nullptr) return;
    std::exchange(poll_, nullptr)->stop();
    ready_.Reset();
  }

 private:
  Napi::Env env_;
  Napi::FunctionReference ready_;
  Poll* poll_ = nullptr;
};

napi_value want(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  auto& handle = method_arguments<WatchHandle>(env, info, arguments);
  int32_t events = 0;
  napi_get_value_int32(env, arguments[0], &events);
  handle.want(events);
  return nullptr;
}

napi_value close_watch(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  method_arguments<WatchHandle>(env, info, arguments).close();
  return nullptr;
}

Napi::Value stream_watch(const Info& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber() || !info[1].IsNumber() || !info[2].IsFunction()) {
    throw_type_error(env, "streamWatch(fd, events, ready)");
    return env.Undefined();
  }
  const auto handle = std::make_shared<WatchHandle>(env, info[2].As<Napi::Function>());
  if (const int failed = handle->start(handle, int_at(info, 0), int_at(info, 1)); failed != 0) {
    throw_failure(env, {"epoll_ctl", -failed});
    return env.Undefined();
  }
  Napi::Object object = Napi::Object::New(env);
  add_method(env, object, "want", want, handle);
  add_method(env, object, "close", close_watch, handle);
  return object;
}

Napi::Value stream_accept(const Info& info) {
  return integer(info.Env(), sockets::accept_stream(int_at(info, 0)));
}

Napi::Value stream_read(const Info& info) {
  static thread_local std::array<unsigned char, kMostRead> bytes;
  const int got = sockets::read_stream(int_at(info, 0), bytes.data(), bytes.size());
  if (got < 0) return integer(info.Env(), got);
  return Napi::Buffer<unsigned char>::Copy(info.Env(), bytes.data(), static_cast<size_t>(got));
}

Napi::Value stream_write(const Info& info) {
  const Napi::Env env = info.Env();
  if (!info[1].IsTypedArray()) {
    throw_type_error(env, "streamWrite(fd, bytes)");
    return env.Undefined();
  }
  const auto bytes = info[1].As<Napi::Uint8Array>();
  return integer(env, sockets::write_stream(int_at(info, 0), bytes.Data(), bytes.ByteLength()));
}

Napi::Value stream_pair(const Info& info) {
  const Napi::Env env = info.Env();
  base::Result<sockets::StreamPair> pair = sockets::make_stream_pair();
  if (!pair.ok()) return integer(env, -pair.failure().error);
  Napi::Array ends = Napi::Array::New(env, 2);
  ends.Set(0U, integer(env, pair.value().ours.release()));
  ends.Set(1U, integer(env, pair.value().theirs.release()));
  return ends;
}

Napi::Value stream_end(const Info& info) {
  sockets::end_stream(int_at(info, 0));
  return info.Env().Undefined();
}

Napi::Value stream_reset(const Info& info) {
  sockets::reset_stream(int_at(info, 0));
  return info.Env().Undefined();
}

Napi::Value stream_connected(const Info& info) {
  return integer(info.Env(), sockets::connected(int_at(info, 0)));
}

// [address, port] of an internet socket, or -errno.
Napi::Value stream_name(const Info& info) {
  const Napi::Env env = info.Env();
  sockaddr_storage name{};
  const int failed = sockets::name_of(int_at(info, 0), info[1].ToBoolean(), name);
  if (failed < 0) return integer(env, failed);
  const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(&name);
  const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(&name);
  if (name.ss_family != AF_INET && name.ss_family != AF_INET6) return integer(env, -EAFNOSUPPORT);
  const bool is_ipv4 = name.ss_family == AF_INET;
  const auto* bytes = is_ipv4 ? reinterpret_cast<const unsigned char*>(&ipv4->sin_addr)
                              : reinterpret_cast<const unsigned char*>(&ipv6->sin6_addr);
  Napi::Array made = Napi::Array::New(env, 2);
  made.Set(0U, Napi::Buffer<unsigned char>::Copy(env, bytes, is_ipv4 ? 4 : 16));
  made.Set(1U, integer(env, ntohs(is_ipv4 ? ipv4->sin_port : ipv6->sin6_port)));
  return made;
}

Napi::Value open_endpoint(const Info& info) {
  const Napi::Env env = info.Env();
  plan::Endpoint endpoint{};
  if (!read_endpoint(info, endpoint)) {
    throw_type_error(env, "openEndpoint(use, address, port)");
    return env.Undefined();
  }
  base::Result<base::UniqueFd> opened = netns::open_endpoint(endpoint);
  return integer(env, opened.ok() ? opened.value().release() : -opened.failure().error);
}

}  // namespace

void register_stream(Napi::Env env, Napi::Object exports) {
  export_function<stream_watch>(env, exports, "streamWatch");
  export_function<stream_accept>(env, exports, "streamAccept");
  export_function<stream_read>(env, exports, "streamRead");
  export_function<stream_write>(env, exports, "streamWrite");
  export_function<stream_pair>(env, exports, "streamPair");
  export_function<stream_end>(env, exports, "streamEnd");
  export_function<stream_reset>(env, exports, "streamReset");
  export_function<stream_connected>(env, exports, "streamConnected");
  export_function<stream_name>(env, exports, "streamName");
  export_function<open_endpoint>(env, exports, "openEndpoint");
}

}  // namespace binding
