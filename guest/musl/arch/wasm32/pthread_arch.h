/* The thread pointer is a thread-local word; a program without threads has it as plain data. */
extern hidden _Thread_local uintptr_t __wali_tp;

static inline uintptr_t __get_tp(void)
{
	return __wali_tp;
}
