#include "pthread_impl.h"
#include "syscall.h"

/* Set by pthread_cancel; see syscall_arch.h. */
long (*volatile __wali_cancel)(long);
