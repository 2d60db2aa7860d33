// Exceptions in threads, and from one to another.
#include <future>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

int main() {
    std::mutex lock;
    long sum = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++)
        threads.emplace_back([&] {
            for (int k = 0; k < 1000; k++) {
                try {
                    if (k % 2) throw k;
                    std::lock_guard g(lock);
                    sum++;
                } catch (int n) {
                    std::lock_guard g(lock);
                    sum += n;
                }
            }
        });
    for (auto &t : threads) t.join();
    std::cout << sum << "\n";
    auto answer = std::async(std::launch::async, []() -> int { throw std::runtime_error("from a thread"); });
    try {
        answer.get();
    } catch (const std::exception &e) {
        std::cout << e.what() << "\n";
    }
    thread_local std::string name = "main";
    std::thread([] {
        name = "other";
        try {
            throw name;
        } catch (const std::string &n) {
            std::cout << n << "\n";
        }
    }).join();
    std::cout << name << "\n";
}
