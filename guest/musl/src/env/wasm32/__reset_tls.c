#include "pthread_impl.h"

hidden void __wasm_init_tls(void *);

/* Only programs with threads use it, and have the linker's function. */
void __reset_tls()
{
	uintptr_t tp = __wali_tp;
	__wasm_init_tls(__builtin_wasm_tls_base());
	__wali_tp = tp;
}
