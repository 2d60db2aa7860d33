# thread_start(tid, arg): the thread's stack, then run(tid, arg).

	.globaltype __stack_pointer, i32
	.functype run (i32, i32) -> ()
	.globl thread_start
	.type thread_start, @function
thread_start:
	.functype thread_start (i32, i32) -> ()
	local.get 1
	i32.load 0
	global.set __stack_pointer
	local.get 0
	local.get 1
	call run
	end_function
