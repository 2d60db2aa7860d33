#include <unistd.h>
#include "wali_start.h"

/* main(argc, argv, envp) keeps its name. */
extern char **__environ;
int main3(int, char **, char **) __asm__("main");

int __main_argc_argv(int argc, char **argv)
{
	return main3(argc, argv, __environ);
}
