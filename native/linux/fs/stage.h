#pragma once

#include <sys/types.h>

#include <cstdint>

// Moves between the tree of a program and a directory that is out of its reach (`store`, an open directory;
// `name`, one component in it). Paths are absolute and no symbolic link in them is followed (fs/open.h). Each
// gives 0, or what it says, or -errno, and acts with the authority of the calling thread; none replaces
// anything that it was not told to.
namespace fs {

// Makes `name` in the store as an empty file with the owner, mode, ACLs and attributes of the regular file
// that is open as `old`, and gives a descriptor of it with the access and status flags of `flags`. -EAGAIN
// when somebody else has the old file open, or might: whoever holds a lock on it must go on meeting the next
// one there. -EXDEV when the file has further names, and -EPERM when it has a setuid or setgid bit.
[[nodiscard]] int stage_replacement(int old, int flags, int store, const char* name);

// Exchanges `path` with `name`. -ESTALE with nothing done when what stood at the path is not inode `inode`.
[[nodiscard]] int exchange_with_store(const char* path, int store, const char* name, ino_t inode);
// Moves the object at `path` to `name`; -ESTALE as above.
[[nodiscard]] int move_to_store(const char* path, int store, const char* name, ino_t inode);
// Gives the object at `path`, a symbolic link itself included, a second name in the store.
[[nodiscard]] int link_to_store(const char* path, int store, const char* name);
[[nodiscard]] int move_from_store(int store, const char* name, const char* path);
[[nodiscard]] int link_from_store(int store, const char* name, const char* path);
// A descriptor; never through a symbolic link.
[[nodiscard]] int open_in_store(int store, const char* name, int flags, mode_t mode);
[[nodiscard]] int remove_from_store(int store, const char* name);

// 0 when no other open file, nor mapping of one, leads to what is open as `fd`; -EAGAIN when one does. The
// file's owner may ask.
[[nodiscard]] int held_by_us_alone(int fd);

// Shares all of `source` with the empty file `target` (FICLONE), where the file system can.
[[nodiscard]] int share_content(int target, int source);
// Copies at most `length` bytes from `offset` on and gives how many; 0 at the end of the source.
[[nodiscard]] int64_t copy_content(int target, int source, int64_t offset, int64_t length);
// Copies all of `source`, of at most `max` (up to 64 KiB) bytes and probably `expected`, to `offset` of
// `target`, and gives its size; -EFBIG for more.
[[nodiscard]] int64_t pack_content(int target, int64_t offset, int source, size_t expected, size_t max);

}  // namespace fs
