// A program that does nothing, like trivial.c, with 5 MB of initialised data.
static volatile unsigned char data[5 << 20] = {[0 ...(5 << 20) - 1] = 1};

int main(void) { return data[4 << 20] - 1; }
