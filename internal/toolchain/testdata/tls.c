// Thread-local variables of a program without threads lie where their initial values are.
_Thread_local int a = 7, b = 8;

int main(void) { return a + b - 15; }
