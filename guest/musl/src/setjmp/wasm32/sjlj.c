/*
 * setjmp and longjmp as WebAssembly exceptions, for objects that were compiled with
 * -mllvm -wasm-enable-sjlj: the compiler has put a catch around what a function calls after
 * setjmp. Others use the engine's records (setjmp.h); both may be in one program.
 *
 * This file is compiled with the same flag, for the tag __c_longjmp.
 */
#include <setjmp.h>
#include <stdint.h>

/* What the compiler keeps in a jmp_buf; it reads what thrown points to. */
struct sjlj {
	void *invocation; /* the activation of the function that called setjmp */
	uint32_t label;   /* which call of setjmp it was, not 0 */
	struct thrown {
		void *env;
		int value;
	} thrown;
};

_Static_assert(sizeof(struct sjlj) <= sizeof(((jmp_buf *)0)[0][0].__jb), "jmp_buf");

void __wasm_setjmp(void *env, uint32_t label, void *invocation)
{
	struct sjlj *j = env;
	j->invocation = invocation;
	j->label = label;
}

/* The call of setjmp that a jump to env returns from, 0 if it is not one of this activation. */
uint32_t __wasm_setjmp_test(void *env, void *invocation)
{
	struct sjlj *j = env;
	return j->invocation == invocation ? j->label : 0;
}

_Noreturn void __wasm_longjmp(void *env, int value)
{
	struct sjlj *j = env;
	j->thrown.env = env;
	j->thrown.value = value ? value : 1;
	__builtin_wasm_throw(1, &j->thrown);
}
