/*
 * An exception that leaves main calls std::terminate, with the handler that the program set and
 * with the exception for it to see. C++ programs are linked with --wrap=__main_void, so that the
 * start of a program calls main here.
 */
#include <exception>

extern "C" int __real___main_void();

extern "C" int __wrap___main_void() {
    try {
        return __real___main_void();
    } catch (...) {
        std::terminate();
    }
}
