#define SYSCALL_NO_TLS 1
#include <string.h>
#include "pthread_impl.h"
#include "libc.h"
#include "syscall.h"

volatile int __thread_list_lock;

_Thread_local uintptr_t __wali_tp;

/* The linker lays out and initialises _Thread_local data; only struct pthread is made here. */
static struct pthread main_thread;

int __init_tp(void *p)
{
	pthread_t td = p;
	td->self = td;
	__wali_tp = (uintptr_t)td;
	libc.can_do_threads = 1;
	td->detach_state = DT_JOINABLE;
	td->tid = __syscall(SYS_set_tid_address, &__thread_list_lock);
	td->locale = &libc.global_locale;
	td->robust_list.head = &td->robust_list.head;
	td->next = td->prev = td;
	return 0;
}

void __init_tls(size_t *aux)
{
	__init_tp(&main_thread);
}
