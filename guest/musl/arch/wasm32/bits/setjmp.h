/* The engine keeps what longjmp needs out of the program's reach and writes its number here. */
typedef unsigned long long __jmp_buf[2];
