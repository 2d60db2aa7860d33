// Attacks on the hash rule, from inside a container.
//
// A case is a function declared with CASE(class, name). It runs as the first process of a
// container of its own, in the empty directory /case, and tries to have content
// executed that the manifest does not list. What is executed leaves a mark: /bin/mark and
// /bin/interp write the word they are given to /marks, a directory of the host. A payload
// gives the word EVIL, and is not listed, so that this word in /marks means that unlisted
// content was executed. Listed content is used with the word GOOD, which tells it from a
// container in which nothing works.
//
// want() compares what a call gave with the errno that is expected, and reports.
#ifndef ATTACK_H
#define ATTACK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif

struct attack {
    const char *class, *name;
    void (*run)(void);
    int host; // the driver has a part in it: it is run by name only
    struct attack *next;
};

void attack_register(struct attack *a);

#define CASE_(class_, name_, host_)                                                                                    \
    static void case_##name_(void);                                                                                    \
    static struct attack entry_##name_ = {class_, #name_, case_##name_, host_, 0};                                     \
    __attribute__((constructor)) static void register_##name_(void) { attack_register(&entry_##name_); }               \
    static void case_##name_(void)

// CASE is a whole case; HOST_CASE is the guest's part of one whose other part, of the same
// name, is in the driver.
#define CASE(class_, name_) CASE_(class_, name_, 0)
#define HOST_CASE(name_) CASE_("", name_, 1)

// What run and its like give: 0 if the program ran and left its mark, else the errno of
// the exec, or one of these.
enum { KILLED = 1000, STRANGE = 1001 };

// STATUS_GOOD is the exit status of a program of ours that did what it was started for.
enum { STATUS_GOOD = 42 };

#define MARK "/bin/mark"           // mark WORD
#define INTERP "/bin/interp"       // interp [OPTION] SCRIPT: obeys lines "mark WORD"
#define GOOD_SCRIPT "/opt/good.sh" // a listed script of interp, word GOOD

// want reports unless got is one of the errnos in the list, which ends with -1. Use WANT.
void want(int got, const char *text, const int *allowed);
#define WANT(call_, ...) want((call_), #call_, (const int[]){__VA_ARGS__, -1})

// bad reports that something went wrong which is no errno.
void bad(const char *format, ...) __attribute__((format(printf, 1, 2)));

// must is for the steps before the attack: it ends the case if they fail.
#define must(call_)                                                                                                    \
    ({                                                                                                                 \
        long r_ = (long)(call_);                                                                                       \
        if (r_ == -1) cannot(#call_);                                                                                  \
        r_;                                                                                                            \
    })
void cannot(const char *text);

// number is how often a race is repeated.
int number(void);

// err gives errno for -1, else 0.
#define err(call_) ((call_) == -1 ? errno : 0)

int run(const char *path, const char *word);                       // vfork, execve
int run_forked(const char *path, const char *word);                // fork, execve
int run_at(int fd, const char *path, int flags, const char *word); // vfork, execveat
int run_with(int (*exec)(void *), void *arg); // vfork, and exec, which gives an errno if it returns
int check(const char *path);                  // execveat with AT_EXECVE_CHECK
int check_fd(int fd);

void put(const char *path, const void *data, size_t n, int mode); // a new file, or new content
void put_text(const char *path, const char *text, int mode);
void copy(const char *from, const char *to); // mode 0755
char *get(const char *path, size_t *n);      // all of a file; freed by the caller
void append(const char *path, const char *text);

void good_program(const char *path); // a listed content
void evil_program(const char *path); // the same with one more byte: not listed
void good_script(const char *path);
void evil_script(const char *path);

#define EVIL_TEXT "#!/bin/interp\nmark EVIL\n"
#define GOOD_TEXT "#!/bin/interp\nmark GOOD\n"

#endif
