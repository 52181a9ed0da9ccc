// Opens a FIFO that nobody reads: whoever serves that open must not be kept from the next one.
#include <pthread.h>
#include <time.h>

#include "victim.h"

static int writer = -1;
static void* open_writer(void* unused) {
  (void)unused;
  writer = open("pipe", O_WRONLY);
  return NULL;
}

int main(void) {
  need("mkfifo", mkfifo("pipe", 0600));
  alarm(20);
  pthread_t thread;
  pthread_create(&thread, NULL, open_writer, NULL);
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int round = 0; round < 200; round++) put_file("beside", "x", 0600);
  clock_gettime(CLOCK_MONOTONIC, &end);
  double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
  if (writer >= 0) finish(BROKEN, "the writer did not wait for a reader");
  int reader = (int)need("open of the reader", open("pipe", O_RDONLY));
  pthread_join(thread, NULL);
  need("open of the writer", writer);
  char byte = 0;
  need("write", write(writer, "y", 1));
  need("read", read(reader, &byte, 1));
  if (byte != 'y') finish(BROKEN, "the FIFO does not carry");
  finish(seconds > 5 ? SUCCEEDED : REFUSED, "200 opens beside a waiting one took %.2f s", seconds);
}
