# Variables of musl's Makefile for the wasm32 port; tools and flags come on the command line.
ARCH = wasm32
SHARED_LIBS =
TOOL_LIBS =
ALL_TOOLS =
CRT_LIBS = lib/crt1.o
CFLAGS_AUTO =

# Not for this machine: setjmp and longjmp are imports, declared in setjmp.h; signal handlers
# return to the kernel; there is no dynamic linker.
DROP = setjmp/setjmp.c setjmp/longjmp.c signal/sigsetjmp.c signal/sigsetjmp_tail.c \
       signal/siglongjmp.c signal/restore.c ldso/tlsdesc.c
BASE_SRCS = $(filter-out $(addprefix $(srcdir)/src/,$(DROP)),$(sort $(wildcard $(BASE_GLOBS))))

# Public headers leave out what would get in the library's own way.
CPPFLAGS = -D__WALI_LIBC

# setjmp by exceptions defines the tag that the compiler uses with this flag.
obj/src/setjmp/wasm32/sjlj.o: CFLAGS_ALL += -mllvm -wasm-enable-sjlj
