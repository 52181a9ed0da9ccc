#define _GNU_SOURCE
#include "shim/client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/path.h"

/// The broker answers BUSY above 256.
enum { kMaxInFlight = 200 };

/// One request that waits for its answer; on the stack of its thread.
typedef struct waiter {
  uint32_t id;
  bool is_done;
  /// NULL when it is done and `client->trouble` says why.
  spi_reply* reply;
  int fd;
  struct waiter* next;
} waiter;

struct sp_client {
  pthread_mutex_t mutex;
  /// Something was delivered, the reader has left, or there is room for a request.
  pthread_cond_t changed;
  int channel;
  /// The process whose channel this is.
  pid_t owner;
  /// Made by fork(2): the channel is the parent's, this process opens its own.
  bool is_forked;
  /// `code` is set when the channel has ended; then it stays so.
  spi_trouble trouble;
  bool has_reader;
  uint32_t next_id;
  size_t in_flight;
  waiter* waiters;
  spi_hello hello;
  /// Where the one thread that reads puts what comes.
  uint8_t* buffer;
  struct sp_client* next;
};

// All clients of the process, so that fork(2) can be told of them.
static pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
static sp_client* all_clients;

static void before_fork(void) {
  pthread_mutex_lock(&all_mutex);
  for (sp_client* client = all_clients; client != NULL; client = client->next)
    pthread_mutex_lock(&client->mutex);
}

static void after_fork_in_parent(void) {
  for (sp_client* client = all_clients; client != NULL; client = client->next)
    pthread_mutex_unlock(&client->mutex);
  pthread_mutex_unlock(&all_mutex);
}

static void after_fork_in_child(void) {
  for (sp_client* client = all_clients; client != NULL; client = client->next) {
    // Who waited there is on a stack that no thread of this process has.
    client->waiters = NULL;
    client->in_flight = 0;
    client->has_reader = false;
    if (client->channel >= 0) close(client->channel);
    client->channel = -1;
    client->is_forked = true;
    client->owner = getpid();
    pthread_cond_init(&client->changed, NULL);
    pthread_mutex_unlock(&client->mutex);
  }
  pthread_mutex_unlock(&all_mutex);
}

static void watch_forks(void) { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

static void enlist(sp_client* client) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_forks);
  pthread_mutex_lock(&all_mutex);
  client->next = all_clients;
  all_clients = client;
  pthread_mutex_unlock(&all_mutex);
}

static void strike(sp_client* client) {
  pthread_mutex_lock(&all_mutex);
  for (sp_client** place = &all_clients; *place != NULL; place = &(*place)->next) {
    if (*place != client) continue;
    *place = client->next;
    break;
  }
  pthread_mutex_unlock(&all_mutex);
}

static void release(sp_client* client) {
  if (client->channel >= 0) close(client->channel);
  pthread_mutex_destroy(&client->mutex);
  pthread_cond_destroy(&client->changed);
  free(client->buffer);
  free(client);
}

int spi_fail(sp_failure* failure, sp_code code, int error, const char* message) {
  if (failure != NULL) {
    sp_failure_clear(failure);
    failure->code = code;
    failure->error = error;
    failure->message = message;
  }
  return -error;
}

void sp_failure_clear(sp_failure* failure) {
  spi_reply_free(failure->storage);
  *failure = (sp_failure)SP_FAILURE_INIT;
}

int sp_connect(sp_client** client, sp_failure* failure) {
  *client = NULL;
  if (failure != NULL) sp_failure_clear(failure);
  sp_client* made = calloc(1, sizeof *made);
  if (made == NULL) return spi_fail(failure, SP_SYSTEM, ENOMEM, "No memory");
  made->buffer = malloc(SPI_MAX_FRAME_BYTES);
  made->channel = -1;
  made->owner = getpid();
  made->next_id = 1;
  pthread_mutex_init(&made->mutex, NULL);
  pthread_cond_init(&made->changed, NULL);
  spi_trouble trouble = {SP_SYSTEM, ENOMEM, "No memory"};
  const int wrong = made->buffer == NULL ? -ENOMEM : spi_open_channel(&made->channel, &made->hello, &trouble);
  if (wrong != 0) {
    made->channel = -1;
    release(made);
    return spi_fail(failure, trouble.code, trouble.error, trouble.message);
  }
  enlist(made);
  *client = made;
  return 0;
}

void sp_close(sp_client* client) {
  if (client == NULL) return;
  strike(client);
  release(client);
}

const char* sp_run_id(const sp_client* client) { return client->hello.run_id; }
const char* sp_profile_name(const sp_client* client) { return client->hello.profile_name; }

// What follows is called with the mutex held.

/// Ends the channel for everybody who waits.
static void end_channel(sp_client* client, spi_trouble trouble) {
  if (client->trouble.code == SP_OK) client->trouble = trouble;
  for (waiter* one = client->waiters; one != NULL; one = one->next) one->is_done = true;
  client->waiters = NULL;
}

static waiter* take_waiter(sp_client* client, uint32_t id) {
  for (waiter** place = &client->waiters; *place != NULL; place = &(*place)->next) {
    waiter* found = *place;
    if (found->id != id) continue;
    *place = found->next;
    return found;
  }
  return NULL;
}

static void deliver(sp_client* client, int got, spi_frame* frame) {
  spi_reply* reply = NULL;
  if (got != 1) {
    end_channel(client, got == -EPROTO
                            ? (spi_trouble){SP_PROTOCOL, EPROTO, "The broker sent a message that is no frame"}
                            : (spi_trouble){SP_GONE, EPIPE, "The broker is gone"});
    return;
  }
  const sp_code code = spi_read_reply(frame->bytes, frame->size_bytes, &reply);
  waiter* found = code == SP_OK ? take_waiter(client, reply->id) : NULL;
  if (found == NULL) {
    // No request has the id 0: the broker could not tell what this is the answer to, and ends the channel.
    const bool is_farewell = code == SP_OK && reply->id == 0 && reply->code != SP_OK;
    spi_close_descriptors(frame);
    spi_reply_free(reply);
    end_channel(client, is_farewell ? (spi_trouble){SP_GONE, EPIPE, "The broker is gone"}
                        : code == SP_INVALID
                            ? (spi_trouble){SP_INVALID, EINVAL, "The broker sent a frame that is no reply"}
                        : code == SP_LIMIT
                            ? (spi_trouble){SP_SYSTEM, ENOMEM, "No memory"}
                            : (spi_trouble){SP_PROTOCOL, EPROTO, "The broker sent what nobody asked for"});
    return;
  }
  found->fd = frame->fd_count > 0 ? frame->fds[0] : -1;
  for (size_t at = 1; at < frame->fd_count; at++) close(frame->fds[at]);
  found->reply = reply;
  found->is_done = true;
}

/// One thread reads for all that wait; when it has what it wanted, the next one reads.
static void await(sp_client* client, const waiter* mine) {
  while (!mine->is_done) {
    if (client->has_reader) {
      pthread_cond_wait(&client->changed, &client->mutex);
      continue;
    }
    client->has_reader = true;
    const int channel = client->channel;
    pthread_mutex_unlock(&client->mutex);
    spi_frame frame = {.bytes = client->buffer};
    const int got = spi_receive(channel, &frame);
    pthread_mutex_lock(&client->mutex);
    client->has_reader = false;
    deliver(client, got, &frame);
    pthread_cond_broadcast(&client->changed);
  }
}

/// Makes the client fit to send. False with client->trouble.
static bool is_usable(sp_client* client) {
  if (!client->is_forked || client->trouble.code != SP_OK) return client->trouble.code == SP_OK;
  spi_trouble trouble;
  if (spi_open_channel(&client->channel, &client->hello, &trouble) == 0) {
    client->is_forked = false;
  } else {
    client->channel = -1;
    client->trouble = trouble;
  }
  return client->trouble.code == SP_OK;
}

static uint32_t fresh_id(sp_client* client) {
  const uint32_t id = client->next_id;
  client->next_id = id == UINT32_MAX ? 1 : id + 1;
  return id;
}

/// Sends and waits, and gives a copy of what is wrong with the channel when nothing came.
static spi_trouble exchange(sp_client* client, spi_writer* writer, spi_op op, const spi_field* fields,
                            const int* fds, size_t fd_count, waiter* mine) {
  spi_trouble trouble = {SP_OK, 0, ""};
  pthread_mutex_lock(&client->mutex);
  while (client->in_flight >= kMaxInFlight && client->trouble.code == SP_OK)
    pthread_cond_wait(&client->changed, &client->mutex);
  if (!is_usable(client)) {
    trouble = client->trouble;
    pthread_mutex_unlock(&client->mutex);
    return trouble;
  }
  mine->id = fresh_id(client);
  const int unwritten = spi_write_request(writer, mine->id, op, fields);
  if (unwritten != 0) {
    pthread_mutex_unlock(&client->mutex);
    if (unwritten == -EMSGSIZE) return (spi_trouble){SP_LIMIT, EMSGSIZE, "Cannot send frame: it is too long"};
    if (unwritten == -EILSEQ) return (spi_trouble){SP_INVALID, EILSEQ, "Cannot send text that is not UTF-8"};
    return (spi_trouble){SP_INVALID, EINVAL, "Cannot send a number beyond 2^53"};
  }
  mine->next = client->waiters;
  client->waiters = mine;
  client->in_flight++;
  const int channel = client->channel;
  pthread_mutex_unlock(&client->mutex);
  const int sent = spi_send(channel, writer->bytes, writer->size_bytes, fds, fd_count);
  pthread_mutex_lock(&client->mutex);
  if (sent != 0 && sent != -EPIPE && sent != -ECONNRESET) {
    // The channel is as it was; the request never left.
    if (!mine->is_done) take_waiter(client, mine->id);
    mine->is_done = true;
    trouble = (spi_trouble){SP_SYSTEM, -sent, "Cannot send to the broker"};
  }
  // Of a broken channel what has come before its end is still there to be read.
  await(client, mine);
  client->in_flight--;
  pthread_cond_broadcast(&client->changed);
  if (mine->reply == NULL && trouble.code == SP_OK) trouble = client->trouble;
  pthread_mutex_unlock(&client->mutex);
  return trouble;
}

static int refuse(sp_failure* failure, spi_reply* reply) {
  const int error = reply->error;
  if (failure == NULL) {
    spi_reply_free(reply);
    return -error;
  }
  sp_failure_clear(failure);
  *failure = (sp_failure){reply->code, error, reply->message, reply->denial, reply};
  return -error;
}

/// Whether the answer is of the kind that the operation brings.
static bool fits(const spi_op_row* row, const waiter* answered) {
  return answered->reply->value == row->value && (answered->fd >= 0 || !row->has_descriptor);
}

static int settle(const spi_op_row* row, waiter* answered, spi_answer* answer, sp_failure* failure) {
  const bool is_done = answered->reply->code == SP_OK && fits(row, answered);
  if (answered->fd >= 0 && (!is_done || !row->has_descriptor)) {
    close(answered->fd);
    answered->fd = -1;
  }
  if (is_done) {
    *answer = (spi_answer){answered->reply, answered->fd};
    return 0;
  }
  if (answered->reply->code != SP_OK) return refuse(failure, answered->reply);
  spi_reply_free(answered->reply);
  return spi_fail(
      failure, SP_PROTOCOL, EPROTO,
      row->has_descriptor ? "The broker sent no descriptor" : "The broker sent another value than asked for");
}

int spi_ask(sp_client* client, spi_op op, const spi_field* fields, const int* fds, size_t fd_count,
            spi_answer* answer, sp_failure* failure) {
  if (failure != NULL) sp_failure_clear(failure);
  *answer = (spi_answer){NULL, -1};
  if (client->owner != getpid())
    return spi_fail(failure, SP_GONE, EPIPE,
                    "The client belongs to another process, which was left without fork()");
  spi_writer writer = {.bytes = malloc(SPI_MAX_FRAME_BYTES)};
  if (writer.bytes == NULL) return spi_fail(failure, SP_SYSTEM, ENOMEM, "No memory");
  // A thread that is cancelled while it reads for the others would leave them without.
  int cancelable;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancelable);
  waiter mine = {.fd = -1};
  const spi_trouble trouble = exchange(client, &writer, op, fields, fds, fd_count, &mine);
  free(writer.bytes);
  const int result = trouble.code != SP_OK ? spi_fail(failure, trouble.code, trouble.error, trouble.message)
                                           : settle(spi_op_of(op), &mine, answer, failure);
  pthread_setcancelstate(cancelable, NULL);
  return result;
}

int spi_ask_plainly(sp_client* client, spi_op op, const spi_field* fields, sp_failure* failure) {
  spi_answer answer;
  const int wrong = spi_ask(client, op, fields, NULL, 0, &answer, failure);
  if (wrong == 0) spi_reply_free(answer.reply);
  return wrong;
}

int spi_path(const char* path, char absolute[], sp_failure* failure) {
  const int wrong = spi_absolute(AT_FDCWD, path, absolute);
  return wrong == 0 ? 0 : spi_fail(failure, SP_INVALID, -wrong, "The path can not be made absolute");
}
