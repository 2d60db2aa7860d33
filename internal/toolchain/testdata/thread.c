// A program that can start a thread is linked with a shared memory, without being asked.
#include <pthread.h>

static _Thread_local int here;
static void *run(void *p) { return here++, p; }

int main(void) {
    pthread_t t;
    return pthread_create(&t, 0, run, 0) || pthread_join(t, 0);
}
