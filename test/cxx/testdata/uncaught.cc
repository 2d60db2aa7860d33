// Whether the stack is unwound before std::terminate is up to the implementation: here it is.
#include <iostream>
#include <stdexcept>

int main() {
    std::cout << "before" << std::endl;
    throw std::runtime_error("nobody catches this");
}
