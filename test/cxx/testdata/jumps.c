/* setjmp and longjmp, compiled to records of the engine and to exceptions. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf top, stack[20];

static void leap(int n) {
    char fill[64];
    memset(fill, n, sizeof fill);
    if (n == 0) longjmp(top, fill[3] + 11);
    leap(n - 1);
    printf("never %d\n", fill[5]);
}

static int countdown(int n) {
    volatile int rounds = 0;
    jmp_buf here;
    int got = setjmp(here);
    rounds++;
    if (got < n) longjmp(here, got + 1);
    return rounds;
}

static void nest(int n) {
    int got = setjmp(stack[n]);
    if (got) {
        printf("level %d got %d\n", n, got);
        if (n > 0 && got < 3) longjmp(stack[n - 1], got + 1);
        if (n == 0) return;
        longjmp(stack[0], 9);
    }
    if (n == 19) longjmp(stack[15], 1);
    nest(n + 1);
}

static int parse(const char **s, jmp_buf error) {
    int v = 0;
    if (**s == '(') {
        ++*s;
        v = parse(s, error);
        while (**s == '+') {
            ++*s;
            v += parse(s, error);
        }
        if (**s != ')') longjmp(error, **s ? **s : 1);
        ++*s;
    } else {
        while (**s >= '0' && **s <= '9') v = v * 10 + *(*s)++ - '0';
    }
    return v;
}

static void evaluate(const char *text) {
    jmp_buf error;
    const char *volatile s = text;
    int code = setjmp(error);
    if (code) {
        printf("%s: error %d at %d\n", text, code, (int)(s - text));
        return;
    }
    printf("%s = %d\n", text, parse((const char **)&s, error));
}

static int compare(const void *a, const void *b) {
    if (*(const int *)a == 99) longjmp(top, 99);
    return *(const int *)a - *(const int *)b;
}

int main(void) {
    volatile int calls = 0;
    switch (setjmp(top)) {
    case 0: calls++; leap(30);
    case 11: puts("eleven"); break;
    default: puts("wrong");
    }
    printf("%d %d\n", calls, countdown(1000));
    nest(0);
    evaluate("(1+(2+3)+40)");
    evaluate("(1+(2+3]+40)");
    evaluate("(1+(2");
    if (setjmp(top) == 0) {
        int list[] = {4, 99, 2, 99, 1, 7, 99, 3};
        qsort(list, 8, sizeof *list, compare);
    } else {
        puts("out of qsort");
    }
    if (setjmp(top) == 0) longjmp(top, 0);
    long sum = 0;
    for (volatile int i = 0; i < 20000; i++) {
        jmp_buf b;
        int r = setjmp(b);
        if (r == 0) longjmp(b, i % 7 + 1);
        sum += r;
    }
    printf("%ld\n", sum);
    return 0;
}
