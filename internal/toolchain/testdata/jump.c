// setjmp, longjmp and vfork as the ABI has them.
#include <setjmp.h>
#include <unistd.h>

static jmp_buf a;
static sigjmp_buf b;

int main(void) {
    if (setjmp(a) == 0) longjmp(a, 1);
    if (sigsetjmp(b, 1) == 0) siglongjmp(b, 1);
    return vfork() == 0 ? (_exit(0), 0) : 1;
}
