#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "binding/binding.h"
#include "binding/values.h"
#include "linux/fs/metadata.h"
#include "linux/fs/path_ops.h"
#include "linux/fs/resolve.h"

namespace binding {

namespace {

using Info = Napi::CallbackInfo;

constexpr size_t kStatFields = 9;  // STAT of platform/binding.ts
constexpr size_t kStatElements = 16;

mode_t mode_at(const Info& info, size_t at) { return unsigned_at(info, at); }

// Calls `operation` with the path of argument 0.
template <typename Operation>
Napi::Value with_path(const Info& info, Operation operation) {
  const PathText path(info[0]);
  return integer(info.Env(), path.error() != 0 ? path.error() : operation(path.c_str()));
}

template <typename Operation>
Napi::Value with_two(const Info& info, Operation operation) {
  const PathText one(info[0]);
  const PathText two(info[1]);
  if (one.error() != 0) return integer(info.Env(), one.error());
  return integer(info.Env(), two.error() != 0 ? two.error() : operation(one.c_str(), two.c_str()));
}

// Calls `operation` with argument 0 as a path or as a descriptor.
template <typename Operation>
Napi::Value with_target(const Info& info, Operation operation) {
  if (info[0].IsNumber()) return integer(info.Env(), operation(fs::Target{nullptr, int_at(info, 0)}));
  return with_path(info, [&](const char* path) { return operation(fs::Target{path, -1}); });
}

Napi::Value text_or_error(Napi::Env env, int failed, const std::string& text) {
  if (failed < 0) return integer(env, failed);
  return {env, string_of(env, text)};
}

Napi::Value fs_open(const Info& info) {
  return with_path(info, [&](const char* path) {
    return fs::open_path(path, int_at(info, 1), mode_at(info, 2), mode_at(info, 3));
  });
}

Napi::Value fd_poll(const Info& info) {
  return Napi::Number::New(info.Env(), fs::poll_descriptor(int_at(info, 0)));
}

Napi::Value fd_make_blocking(const Info& info) {
  return Napi::Number::New(info.Env(), fs::make_blocking(int_at(info, 0)));
}

Napi::Value fs_resolve(const Info& info) {
  const PathText path(info[0]);
  std::string resolved;
  const int failed = path.error() != 0 ? path.error()
                                       : fs::resolve(path.c_str(), {int_at(info, 1), int_at(info, 2)},
                                                     int_at(info, 3) != 0, resolved);
  return text_or_error(info.Env(), failed, resolved);
}

int fill_stat(const Info& info, const struct stat& status) {
  Napi::Value given = info[1];
  if (!given.IsTypedArray() || given.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      given.As<Napi::TypedArray>().ElementLength() < kStatElements) {
    throw_type_error(info.Env(), "expected a Float64Array(16)");
    return -EINVAL;
  }
  double* out = given.As<Napi::Float64Array>().Data();
  const double fields[kStatFields] = {
      static_cast<double>(status.st_mode),
      static_cast<double>(status.st_uid),
      static_cast<double>(status.st_gid),
      static_cast<double>(status.st_size),
      static_cast<double>(status.st_nlink),
      static_cast<double>(status.st_mtim.tv_sec) * 1e3 + static_cast<double>(status.st_mtim.tv_nsec) / 1e6,
      static_cast<double>(status.st_ino),
      static_cast<double>(status.st_dev),
      static_cast<double>(status.st_rdev)};
  for (size_t at = 0; at < kStatFields; at++) out[at] = fields[at];
  return 0;
}

Napi::Value fs_stat(const Info& info) {
  return with_path(info, [&](const char* path) {
    struct stat status;
    const int failed = fs::stat_path(path, status);
    return failed < 0 ? failed : fill_stat(info, status);
  });
}

Napi::Value fd_stat(const Info& info) {
  struct stat status;
  const int failed = fstat(int_at(info, 0), &status) == 0 ? fill_stat(info, status) : -errno;
  return integer(info.Env(), failed);
}

Napi::Value fs_list(const Info& info) {
  const PathText path(info[0]);
  if (path.error() != 0) return integer(info.Env(), path.error());
  std::vector<std::string> names;
  const int failed = fs::list_directory(path.c_str(), unsigned_at(info, 1), names);
  if (failed < 0) return integer(info.Env(), failed);
  Napi::Array list = Napi::Array::New(info.Env(), names.size());
  for (uint32_t at = 0; at < names.size(); at++)
    list.Set(at, Napi::Value(info.Env(), string_of(info.Env(), names[at])));
  return list;
}

Napi::Value fs_readlink(const Info& info) {
  const PathText path(info[0]);
  std::string target;
  const int failed = path.error() != 0 ? path.error() : fs::read_symlink(path.c_str(), target);
  return text_or_error(info.Env(), failed, target);
}

Napi::Value fs_mkdir(const Info& info) {
  return with_path(
      info, [&](const char* path) { return fs::make_directory(path, mode_at(info, 1), mode_at(info, 2)); });
}

Napi::Value fs_mknod(const Info& info) {
  return with_path(info,
                   [&](const char* path) { return fs::make_node(path, mode_at(info, 1), mode_at(info, 2)); });
}

Napi::Value fs_unlink(const Info& info) {
  return with_path(info, [&](const char* path) { return fs::remove_path(path, int_at(info, 1)); });
}

Napi::Value fs_rename(const Info& info) {
  return with_two(info, [&](const char* from, const char* to) {
    return fs::rename_path(from, to, unsigned_at(info, 2));
  });
}

Napi::Value fs_link(const Info& info) {
  return with_two(info, [](const char* from, const char* to) { return fs::link_path(from, to); });
}

Napi::Value fs_link_descriptor(const Info& info) {
  const PathText to(info[2]);
  const int failed =
      to.error() != 0 ? to.error() : fs::link_descriptor(int_at(info, 0), int_at(info, 1), to.c_str());
  return integer(info.Env(), failed);
}

Napi::Value fs_symlink(const Info& info) {
  return with_two(info, [](const char* target, const char* path) { return fs::make_symlink(target, path); });
}

Napi::Value fs_chmod(const Info& info) {
  return with_target(info,
                     [&](const fs::Target& target) { return fs::change_mode(target, mode_at(info, 1)); });
}

Napi::Value fs_chown(const Info& info) {
  return with_target(info, [&](const fs::Target& target) {
    return fs::change_owner(target, unsigned_at(info, 1), unsigned_at(info, 2));
  });
}

Napi::Value fs_utimens(const Info& info) {
  return with_target(info, [&](const fs::Target& target) {
    const timespec times[2] = {{long_at(info, 1), long_at(info, 2)}, {long_at(info, 3), long_at(info, 4)}};
    return fs::change_times(target, times);
  });
}

Napi::Value fs_truncate(const Info& info) {
  return with_target(info,
                     [&](const fs::Target& target) { return fs::change_size(target, long_at(info, 1)); });
}

Napi::Value fs_setxattr(const Info& info) {
  const PathText name(info[1]);
  if (name.error() != 0) return integer(info.Env(), name.error());
  if (!info[2].IsTypedArray() || info[2].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw_type_error(info.Env(), "expected a Uint8Array");
    return info.Env().Undefined();
  }
  const auto value = info[2].As<Napi::Uint8Array>();
  return with_target(info, [&](const fs::Target& target) {
    return fs::set_attribute(target, name.c_str(), value.Data(), value.ByteLength(), int_at(info, 3));
  });
}

Napi::Value fs_removexattr(const Info& info) {
  const PathText name(info[1]);
  if (name.error() != 0) return integer(info.Env(), name.error());
  return with_target(info,
                     [&](const fs::Target& target) { return fs::remove_attribute(target, name.c_str()); });
}

Napi::Value fd_path(const Info& info) {
  std::string path;
  const int failed = fs::path_of_descriptor(int_at(info, 0), path);
  return text_or_error(info.Env(), failed, path);
}

Napi::Value fs_reopen_descriptor(const Info& info) {
  return integer(info.Env(), fs::reopen_descriptor(int_at(info, 0), int_at(info, 1), int_at(info, 2)));
}

Napi::Value fd_duplicate(const Info& info) { return integer(info.Env(), fs::duplicate(int_at(info, 0))); }

Napi::Value fd_duplicate_inherited(const Info& info) {
  return integer(info.Env(), fs::duplicate_inherited(int_at(info, 0), int_at(info, 1)));
}

Napi::Value close_fd(const Info& info) {
  const base::UniqueFd closed(int_at(info, 0));
  return info.Env().Undefined();
}

}  // namespace

void register_fs(Napi::Env env, Napi::Object exports) {
  export_function<fs_open>(env, exports, "fsOpen");
  export_function<fs_resolve>(env, exports, "fsResolve");
  export_function<fs_stat>(env, exports, "fsStat");
  export_function<fd_stat>(env, exports, "fdStat");
  export_function<fd_poll>(env, exports, "fdPoll");
  export_function<fd_make_blocking>(env, exports, "fdMakeBlocking");
  export_function<fs_list>(env, exports, "fsList");
  export_function<fs_readlink>(env, exports, "fsReadlink");
  export_function<fs_mkdir>(env, exports, "fsMkdir");
  export_function<fs_mknod>(env, exports, "fsMknod");
  export_function<fs_unlink>(env, exports, "fsUnlink");
  export_function<fs_rename>(env, exports, "fsRename");
  export_function<fs_link>(env, exports, "fsLink");
  export_function<fs_link_descriptor>(env, exports, "fsLinkDescriptor");
  export_function<fs_symlink>(env, exports, "fsSymlink");
  export_function<fs_chmod>(env, exports, "fsChmod");
  export_function<fs_chown>(env, exports, "fsChown");
  export_function<fs_utimens>(env, exports, "fsUtimens");
  export_function<fs_truncate>(env, exports, "fsTruncate");
  export_function<fs_setxattr>(env, exports, "fsSetxattr");
  export_function<fs_removexattr>(env, exports, "fsRemovexattr");
  export_function<fd_path>(env, exports, "fdPath");
  export_function<fs_reopen_descriptor>(env, exports, "fsReopenDescriptor");
  export_function<fd_duplicate>(env, exports, "fdDuplicate");
  export_function<fd_duplicate_inherited>(env, exports, "fdDuplicateInherited");
  export_function<close_fd>(env, exports, "closeFd");
}

}  // namespace binding
