/* A clock that is wrong, for one process: preloaded, it shifts the time of day by as many seconds as the file in CLOCK_OFFSET_FILE says,
 * which may change while the process runs (8 bytes, the machine's own order). Clocks that nobody sets go on as they are. Whoever waits until
 * a time of day is woken as late as if the clock were right: the kernel is asked with the time that it knows. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* No machine has run for so long; what is above is a time of day. */
#define A_DATE 1000000000

static volatile int64_t *shared;
static int64_t none;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("CLOCK_OFFSET_FILE");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (file >= 0) close(file);
  shared = map == MAP_FAILED ? &none : map;
}

static int64_t offset(void) { return shared ? *shared : 0; }

#define REAL(name) ({ static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name); real; })

int clock_gettime(clockid_t clock, struct timespec *at) {
  int done = REAL(clock_gettime)(clock, at);
  if (!done && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += offset();
  return done;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  int done = REAL(gettimeofday)(at, zone);
  if (!done) at->tv_sec += offset();
  return done;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *at, int base) {
  if (base != TIME_UTC) return REAL(timespec_get)(at, base);
  return clock_gettime(CLOCK_REALTIME, at) ? 0 : base;
}

static struct timespec right(const struct timespec *until) {
  struct timespec at = *until;
  if (at.tv_sec > A_DATE) at.tv_sec -= offset();
  return at;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
  struct timespec at = right(until);
  /* There are two of this name, and the old one, which may be what is found without a version, takes another kind of condition. */
  static __typeof__(pthread_cond_timedwait) *real;
  if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
  if (!real) real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  return real(cond, mutex, &at);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
  struct timespec at = right(until);
  return REAL(pthread_mutex_timedlock)(mutex, &at);
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict until) {
  struct timespec at = right(until);
  return REAL(pthread_rwlock_timedrdlock)(lock, &at);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock, const struct timespec *restrict until) {
  struct timespec at = right(until);
  return REAL(pthread_rwlock_timedwrlock)(lock, &at);
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict until) {
  struct timespec at = right(until);
  return REAL(sem_timedwait)(sem, &at);
}

/* librdkafka's own threads, through C11. They are wrapped by themselves: inside of libc they do not go through the functions above. */
#include <threads.h>

int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict until) {
  struct timespec at = right(until);
  return REAL(cnd_timedwait)(cond, mutex, &at);
}

int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict until) {
  struct timespec at = right(until);
  return REAL(mtx_timedlock)(mutex, &at);
}
