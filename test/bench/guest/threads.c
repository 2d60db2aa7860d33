// threads NAME COUNT: like bench, of what threads cost. A program of its own, since one
// that starts threads is linked with a shared memory.
#define _GNU_SOURCE
#include "bench.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sems[2];
static volatile int turn;
static volatile long counter;

static void *nothing(void *p) { return p; }

static void run2(void *(*f)(void *)) {
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&t[i], 0, f, (void *)(intptr_t)i)) exit(1);
    for (int i = 0; i < 2; i++) pthread_join(t[i], 0);
}

static int64_t create_join(void) {
    int64_t start = now();
    for (int i = 0; i < 100; i++) {
        pthread_t t;
        if (pthread_create(&t, 0, nothing, 0)) exit(1);
        pthread_join(t, 0);
    }
    return (now() - start) / 100;
}

static int64_t mutex_free(void) {
    int64_t start = now();
    for (int i = 0; i < 1000000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return (now() - start) / 1000000;
}

#define ROUNDS 5000

static void *take_turns(void *p) {
    int me = (int)(intptr_t)p;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != me) pthread_cond_wait(&cond, &mutex);
        turn = !me;
        pthread_cond_signal(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return 0;
}

// One operation is one handoff from thread to thread.
static int64_t cond_handoff(void) {
    int64_t start = now();
    run2(take_turns);
    return (now() - start) / (2 * ROUNDS);
}

static void *pass_on(void *p) {
    int me = (int)(intptr_t)p;
    for (int i = 0; i < ROUNDS; i++) {
        sem_wait(&sems[me]);
        sem_post(&sems[!me]);
    }
    return 0;
}

static int64_t sem_handoff(void) {
    sem_init(&sems[0], 0, 1);
    sem_init(&sems[1], 0, 0);
    int64_t start = now();
    run2(pass_on);
    return (now() - start) / (2 * ROUNDS);
}

static void *contend(void *p) {
    for (int i = 0; i < 20 * ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return p;
}

static int64_t mutex_contended(void) {
    int64_t start = now();
    run2(contend);
    return (now() - start) / (40 * ROUNDS);
}

static const struct {
    const char *name;
    int64_t (*sample)(void);
} all[] = {
    {"thread_create_join", create_join},         {"thread_mutex_free", mutex_free},
    {"thread_mutex_contended", mutex_contended}, {"thread_cond_handoff", cond_handoff},
    {"thread_sem_handoff", sem_handoff},
};

int main(int argc, char **argv) {
    if (argc < 3) {
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) puts(all[i].name);
        return 2;
    }
    pthread_t t; // the memory is shared from the first thread on
    if (pthread_create(&t, 0, nothing, 0)) return 1;
    pthread_join(t, 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(all[i].name, argv[1]))
            for (int k = 0; k < atoi(argv[2]); k++) printf("%lld\n", (long long)all[i].sample());
    return 0;
}
