// Exceptions: what is destroyed, who catches, what is thrown again.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

struct Noisy {
    std::string name;
    explicit Noisy(std::string n) : name(std::move(n)) { std::cout << "+" << name << "\n"; }
    ~Noisy() { std::cout << "-" << name << (std::uncaught_exceptions() ? " unwinding\n" : "\n"); }
};

struct Base {
    virtual ~Base() = default;
    virtual std::string what() const { return "base"; }
};
struct Other {
    virtual ~Other() = default;
    int padding = 7;
};
struct Derived : Other, virtual Base {
    std::string what() const override { return "derived"; }
};

static int fall(int n) {
    Noisy here("fall" + std::to_string(n));
    if (n == 0) throw std::runtime_error("the bottom");
    return fall(n - 1) + 1;
}

struct Parts {
    Noisy a{"member a"}, b{"member b"};
    std::vector<Noisy> v;
    Parts() try : v{} {
        v.reserve(2);
        v.emplace_back("element");
        throw 3.5;
    } catch (double d) {
        std::cout << "constructor caught " << d << "\n"; // and throws again
    }
};

static void nested(int n) {
    try {
        if (n == 0) throw std::logic_error("innermost");
        nested(n - 1);
    } catch (...) {
        std::throw_with_nested(std::runtime_error("level " + std::to_string(n)));
    }
}

static void unwrap(const std::exception &e, int depth) {
    std::cout << std::string(depth, ' ') << e.what() << "\n";
    try {
        std::rethrow_if_nested(e);
    } catch (const std::exception &inner) {
        unwrap(inner, depth + 1);
    }
}

static int compare(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    if (x == 13 || y == 13) throw x + y;
    return x - y;
}

static int returns_from_catch(int n) {
    for (int i = 0; i < n; i++) {
        Noisy loop("turn " + std::to_string(i));
        try {
            if (i % 2) throw i;
            continue;
        } catch (int k) {
            if (k == 3) return k;
        }
    }
    return -1;
}

int main() {
    try {
        fall(3);
    } catch (const std::exception &e) {
        std::cout << "caught " << e.what() << "\n";
    }
    try {
        try {
            throw Derived();
        } catch (Base &b) {
            std::cout << b.what() << "\n";
            throw;
        }
    } catch (const Other &o) {
        std::cout << "other " << o.padding << "\n";
    }
    try {
        Parts parts;
    } catch (double d) {
        std::cout << "then " << d << "\n";
    }
    std::exception_ptr kept;
    try {
        throw std::make_unique<int>(42);
    } catch (...) {
        kept = std::current_exception();
    }
    for (int i = 0; i < 2; i++) {
        try {
            std::rethrow_exception(kept);
        } catch (const std::unique_ptr<int> &p) {
            std::cout << "kept " << *p << "\n";
            ++*p;
        }
    }
    try {
        nested(3);
    } catch (const std::exception &e) {
        unwrap(e, 0);
    }
    int numbers[] = {5, 3, 13, 1, 9, 4};
    try {
        std::qsort(numbers, 6, sizeof *numbers, compare); // through frames of C
    } catch (int sum) {
        std::cout << "qsort was left\n";
    }
    std::function<int(int)> f = [](int x) -> int { return x ? throw std::string("from a lambda") : 1; };
    try {
        std::cout << f(0) << f(1) << "\n";
    } catch (const std::string &s) {
        std::cout << "\n" << s << "\n";
    }
    std::cout << returns_from_catch(10) << "\n";
    try {
        Base *b = new Derived;
        std::unique_ptr<Base> own(b);
        std::cout << (dynamic_cast<Derived *>(b) != nullptr) << "\n";
        Base plain;
        (void)dynamic_cast<Derived &>(plain);
    } catch (const std::bad_cast &) {
        std::cout << "bad cast\n";
    }
    try {
        std::vector<int> v(3);
        v.at(7) = 1;
    } catch (const std::out_of_range &) {
        std::cout << "out of range\n";
    }
    try {
        volatile size_t much = ~(size_t)0 / 2;
        ::operator new(much);
    } catch (const std::bad_alloc &) {
        std::cout << "no memory\n";
    }
    long sum = 0;
    for (int i = 0; i < 100000; i++) {
        try {
            if (i % 3 == 0) throw i;
            if (i % 3 == 1) throw (long)i;
            sum += 1;
        } catch (int k) {
            sum += k;
        } catch (long k) {
            sum -= k;
        }
    }
    std::cout << sum << "\n";
    std::set_terminate([] {
        std::cout << "terminate" << std::endl;
        std::exit(5);
    });
    [&]() noexcept { throw 1; }();
}
