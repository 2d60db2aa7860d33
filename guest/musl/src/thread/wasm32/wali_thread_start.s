# void __wali_thread_start(int tid, struct start_args *args)
#
# The first function of a thread: no C may run before it has a stack and thread-local data.
	.globaltype __stack_pointer, i32
	.functype __wasm_init_tls (i32) -> ()
	.functype __wali_thread_main (i32, i32) -> ()

	.section .text.__wali_thread_start,"",@
	.hidden __wali_thread_start
	.globl __wali_thread_start
	.type __wali_thread_start,@function
__wali_thread_start:
	.functype __wali_thread_start (i32, i32) -> ()
	local.get 1
	i32.load 0
	global.set __stack_pointer
	local.get 1
	i32.load 4
	call __wasm_init_tls
	local.get 0
	local.get 1
	call __wali_thread_main
	end_function
