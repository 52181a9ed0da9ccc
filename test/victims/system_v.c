// Reaches objects that are shared with every process of the user and lie in no file system.
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "victim.h"

int main(void) {
  int memory = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  attempt("shmget", memory);
  if (memory >= 0) shmctl(memory, IPC_RMID, NULL);
  int semaphore = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  attempt("semget", semaphore);
  if (semaphore >= 0) semctl(semaphore, 0, IPC_RMID);
  int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  attempt("msgget", queue);
  if (queue >= 0) msgctl(queue, IPC_RMID, NULL);
  char name[64];
  snprintf(name, sizeof name, "/sallyport-victim-%d", (int)getpid());
  mqd_t posix = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
  attempt("mq_open", posix);
  if (posix >= 0) mq_unlink(name);
  verdict();
}
