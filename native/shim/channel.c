#define _GNU_SOURCE
#include "shim/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/request.h"

static const char kBrokerPath[] = "/run/sallyport/broker";

static int wait_for(int channel, short events) {
  struct pollfd wait = {.fd = channel, .events = events};
  return poll(&wait, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

int spi_send(int channel, const uint8_t* bytes, size_t size_bytes, const int* fds, size_t fd_count) {
  // A const frame in a struct that is not: sendmsg(2) does not write.
  struct iovec part = {(void*)(uintptr_t)bytes, size_bytes};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(SPI_MAX_DESCRIPTORS * sizeof(int))] = {0};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd_count > SPI_MAX_DESCRIPTORS) return -EINVAL;
  if (fd_count > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
    struct cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, fd_count * sizeof(int));
  }
  for (;;) {
    if (sendmsg(channel, &message, MSG_NOSIGNAL) >= 0) return 0;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return -errno;
    const int wrong = wait_for(channel, POLLOUT);
    if (wrong != 0) return wrong;
  }
}

static void take_descriptors(struct msghdr* message, spi_frame* frame) {
  frame->fd_count = 0;
  for (struct cmsghdr* part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t at = 0; at < count; at++) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + at * sizeof fd, sizeof fd);
      if (frame->fd_count < SPI_MAX_DESCRIPTORS) {
        frame->fds[frame->fd_count++] = fd;
      } else {
        close(fd);
      }
    }
  }
}

int spi_receive(int channel, spi_frame* frame) {
  struct iovec part = {frame->bytes, SPI_MAX_FRAME_BYTES};
  _Alignas(struct cmsghdr) char control[CMSG_SPACE(SPI_MAX_DESCRIPTORS * sizeof(int))];
  for (;;) {
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    const ssize_t got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return -errno;
      const int wrong = wait_for(channel, POLLIN);
      if (wrong != 0) return wrong;
      continue;
    }
    take_descriptors(&message, frame);
    frame->size_bytes = (size_t)got;
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
      spi_close_descriptors(frame);
      return -EPROTO;
    }
    return got == 0 ? 0 : 1;
  }
}

void spi_close_descriptors(const spi_frame* frame) {
  for (size_t at = 0; at < frame->fd_count; at++) close(frame->fds[at]);
}

static int fail(spi_trouble* trouble, sp_code code, int error, const char* message) {
  *trouble = (spi_trouble){code, error, message};
  return -error;
}

char** spi_inherited_variable(void) {
  // Some shells have a getenv() of their own, which knows nothing before they have begun.
  for (char** at = environ; at != NULL && *at != NULL; at++)
    if (strncmp(*at, SPI_INHERITED_VARIABLE, sizeof SPI_INHERITED_VARIABLE - 1) == 0) return at;
  return NULL;
}

int spi_inherited_channel(void) {
  char** variable = spi_inherited_variable();
  if (variable == NULL) return -1;
  const char* name = *variable + sizeof SPI_INHERITED_VARIABLE - 1;
  if (name[0] < '0' || name[0] > '9') return -1;
  char* end = NULL;
  const long fd = strtol(name, &end, 10);
  if (*end != 0 || fd > INT32_MAX) return -1;
  // A program that closed it may have something else there now.
  int domain = 0, type = 0;
  socklen_t size_bytes = sizeof domain;
  if (getsockopt((int)fd, SOL_SOCKET, SO_DOMAIN, &domain, &size_bytes) != 0 || domain != AF_UNIX) return -1;
  size_bytes = sizeof type;
  if (getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &size_bytes) != 0 || type != SOCK_SEQPACKET) return -1;
  return (int)fd;
}

/// Locks a channel that is shared with other processes, or lets go. The lock goes with its process.
static int lock_channel(int channel, short how) {
  struct flock lock = {.l_type = how, .l_whence = SEEK_SET};
  while (fcntl(channel, F_SETLKW, &lock) != 0)
    if (errno != EINTR) return -errno;
  return 0;
}

static int receive_or_fail(int channel, spi_frame* frame, spi_trouble* trouble) {
  const int got = spi_receive(channel, frame);
  if (got == 1) return 0;
  if (got == -EPROTO) return fail(trouble, SP_PROTOCOL, EPROTO, "The broker sent a message that is no frame");
  return fail(trouble, SP_GONE, EPIPE, "The broker is gone");
}

/// Asks over the shared channel for one that is not shared. What comes with another id is of a process that
/// ended too early.
static int ask_for_channel(int shared, spi_frame* frame, int* channel, spi_trouble* trouble) {
  uint32_t id = 0;
  if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
    return fail(trouble, SP_SYSTEM, errno, "No random number is to be had");
  // 0 is the id of an answer to what had none.
  if (id == 0) id = 1;
  // Whoever came first has greeted; then a hello is answered as invalid, with the id 0.
  spi_writer writer = {.bytes = frame->bytes};
  spi_write_hello(&writer);
  int sent = spi_send(shared, writer.bytes, writer.size_bytes, NULL, 0);
  spi_field fields[] = {{.text = kBrokerPath}, {.integer = SP_OPEN_READ | SP_OPEN_WRITE}, {.integer = 0}};
  writer = (spi_writer){.bytes = frame->bytes};
  if (sent == 0) {
    spi_write_request(&writer, id, SPI_OPEN, fields);
    sent = spi_send(shared, writer.bytes, writer.size_bytes, NULL, 0);
  }
  if (sent != 0) return fail(trouble, SP_GONE, EPIPE, "The broker is gone");
  for (;;) {
    const int wrong = receive_or_fail(shared, frame, trouble);
    if (wrong != 0) return wrong;
    spi_reply* reply = NULL;
    if (spi_read_reply(frame->bytes, frame->size_bytes, &reply) != SP_OK || reply->id != id) {
      spi_reply_free(reply);
      spi_close_descriptors(frame);
      continue;
    }
    const bool is_given = reply->code == SP_OK && frame->fd_count == 1;
    *trouble = (spi_trouble){reply->code == SP_OK ? SP_PROTOCOL : reply->code,
                             reply->code == SP_OK ? EPROTO : reply->error, "The broker gave no channel"};
    spi_reply_free(reply);
    if (is_given) {
      *channel = frame->fds[0];
      return 0;
    }
    spi_close_descriptors(frame);
    return -trouble->error;
  }
}

static int find_channel(spi_frame* frame, int* channel, spi_trouble* trouble) {
  const int shared = spi_inherited_channel();
  if (shared < 0) {
    *channel = open(kBrokerPath, O_RDWR | O_CLOEXEC);
    if (*channel >= 0) return 0;
    return fail(trouble, SP_GONE, errno, "Cannot reach a broker: this process does not run under sallyport");
  }
  const int locked = lock_channel(shared, F_WRLCK);
  if (locked != 0) return fail(trouble, SP_GONE, -locked, "Cannot lock the inherited channel");
  const int wrong = ask_for_channel(shared, frame, channel, trouble);
  lock_channel(shared, F_UNLCK);
  return wrong;
}

static int greet(int channel, spi_frame* frame, spi_hello* hello, spi_trouble* trouble) {
  spi_writer writer = {.bytes = frame->bytes};
  spi_write_hello(&writer);
  if (spi_send(channel, writer.bytes, writer.size_bytes, NULL, 0) != 0)
    return fail(trouble, SP_GONE, EPIPE, "The broker is gone");
  const int wrong = receive_or_fail(channel, frame, trouble);
  if (wrong != 0) return wrong;
  spi_close_descriptors(frame);
  const sp_code code = spi_read_hello(frame->bytes, frame->size_bytes, hello);
  if (code == SP_OK) return 0;
  return fail(trouble, code, code == SP_PROTOCOL ? EPROTO : EINVAL, "The broker greets in another way");
}

int spi_open_channel(int* channel, spi_hello* hello, spi_trouble* trouble) {
  spi_frame frame = {.bytes = malloc(SPI_MAX_FRAME_BYTES)};
  if (frame.bytes == NULL) return fail(trouble, SP_SYSTEM, ENOMEM, "No memory");
  int wrong = find_channel(&frame, channel, trouble);
  if (wrong == 0) {
    wrong = greet(*channel, &frame, hello, trouble);
    if (wrong != 0) close(*channel);
  }
  free(frame.bytes);
  return wrong;
}
