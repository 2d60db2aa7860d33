// Exceptions and what the kernel does to a process in the middle of them.
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

static int wait_for(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static volatile int handled;
static void on_signal(int) {
    try {
        throw std::string("in a handler");
    } catch (const std::string &s) {
        handled = handled + (int)s.size();
    }
}

struct Guard {
    std::string name;
    ~Guard() {
        std::raise(SIGUSR1); // while an exception is on its way
        std::cout << "guard " << name << std::endl;
    }
};

static std::jmp_buf jump;
static void on_jump(int) { std::longjmp(jump, 4); }

__attribute__((noinline)) static void deep(int n) {
    Guard g{std::to_string(n)};
    if (n == 0) throw std::runtime_error("deep");
    deep(n - 1);
}

int main() {
    std::signal(SIGUSR1, on_signal);
    try {
        deep(2);
    } catch (const std::exception &e) {
        // Parent and child both have the exception.
        std::cout.flush();
        pid_t pid = fork();
        if (pid == 0) {
            try {
                throw;
            } catch (const std::runtime_error &again) {
                _exit(std::string(again.what()) == "deep" ? 21 : 1);
            }
        }
        std::cout << "child " << wait_for(pid) << ", parent " << e.what() << ", handled " << handled << std::endl;
    }
    try {
        try {
            throw 5;
        } catch (int) {
            pid_t pid = vfork();
            if (pid == 0) _exit(7);
            std::cout << "vfork " << wait_for(pid) << std::endl;
            throw;
        }
    } catch (int n) {
        std::cout << "after vfork " << n << std::endl;
    }
    pid_t pid = fork();
    if (pid == 0) {
        std::set_terminate([] { _exit(9); });
        throw 1;
    }
    std::cout << "uncaught " << wait_for(pid) << std::endl;
    pid = fork();
    if (pid == 0) {
        std::signal(SIGUSR2, [](int) { throw 1; }); // leaves the handler
        std::raise(SIGUSR2);
        _exit(0);
    }
    int left = wait_for(pid);
    std::cout << "out of a handler " << (left == 100 + SIGABRT) << std::endl;
    std::signal(SIGUSR2, on_jump);
    volatile int jumps = 0;
    if (int got = setjmp(jump)) {
        std::cout << "jumped " << got << " " << jumps << std::endl;
    } else {
        jumps = jumps + 1;
        try {
            std::raise(SIGUSR2);
        } catch (...) {
            std::cout << "a jump is no exception" << std::endl;
        }
    }
    // A frame that an exception leaves takes its setjmp with it; the outer one is as good as before.
    std::jmp_buf outer;
    volatile int rounds = 0;
    if (setjmp(outer) < 2) {
        rounds = rounds + 1;
        try {
            std::jmp_buf inner;
            if (setjmp(inner) == 0) throw 'x';
        } catch (char c) {
            std::cout << c << rounds << std::endl;
        }
        std::longjmp(outer, rounds);
    }
    std::cout << "rounds " << rounds << std::endl;
}
