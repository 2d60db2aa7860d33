// A walk through the library: streams, containers, algorithms, files, time.
#include <algorithm>
#include <any>
#include <array>
#include <charconv>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <list>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace fs = std::filesystem;

static struct Early {
    std::string text = "constructed before main";
    ~Early() { std::cout << "destroyed after main" << std::endl; }
} early;

int main(int argc, char **argv) {
    std::cout << early.text << ", " << argc << " argument\n";
    std::map<std::string, int> words;
    std::istringstream in("the quick brown fox jumps over the lazy dog and the cat");
    for (std::string w; in >> w;) words[w]++;
    for (const auto &[w, n] : words)
        if (n > 1) std::cout << w << ":" << n << "\n";
    std::cout << std::hex << std::setw(8) << std::setfill('0') << 48879 << std::dec << " " << std::fixed
              << std::setprecision(3) << 3.14159265 << " " << std::scientific << 12345.678 << " " << std::boolalpha
              << true << "\n";
    std::vector<int> v(20);
    std::iota(v.begin(), v.end(), 1);
    std::shuffle(v.begin(), v.end(), std::mt19937(7));
    std::sort(v.begin(), v.end(), std::greater<>());
    std::copy(v.begin(), v.begin() + 5, std::ostream_iterator<int>(std::cout, " "));
    std::cout << std::accumulate(v.begin(), v.end(), 0) << "\n";
    std::unordered_map<int, std::string> u;
    for (int i = 0; i < 1000; i++) u[i * 7919] = std::to_string(i);
    std::cout << u.at(7919 * 999) << " " << u.size() << "\n";
    std::regex re("([a-z]+)@([a-z]+)\\.org");
    std::smatch m;
    std::string mail = "write to someone@example.org today";
    if (std::regex_search(mail, m, re)) std::cout << m[1] << " at " << m[2] << "\n";
    std::variant<int, std::string> var = "text";
    std::cout << std::visit([](auto &&x) { return sizeof x > 0; }, var) << " " << std::get<std::string>(var) << "\n";
    std::optional<int> none;
    try {
        (void)none.value();
    } catch (const std::bad_optional_access &) {
        std::cout << "nothing there\n";
    }
    double d = 0;
    std::string text = "2.5e3,";
#if defined(__cpp_lib_to_chars) || defined(__GLIBCXX__)
    std::from_chars(text.data(), text.data() + text.size(), d);
#else
    d = std::stod(text);
#endif
    char buffer[32];
    auto end = std::to_chars(buffer, buffer + sizeof buffer, 0.1).ptr;
    std::cout << std::defaultfloat << d << " " << std::string(buffer, end) << "\n";
    fs::path dir = fs::temp_directory_path() / "vkc++-test";
    fs::remove_all(dir);
    fs::create_directories(dir / "a" / "b");
    {
        std::ofstream out(dir / "a" / "file");
        out << "one line\nanother\n";
    }
    std::ifstream file(dir / "a" / "file");
    std::string line;
    int lines = 0;
    while (std::getline(file, line)) lines++;
    std::set<std::string> names;
    for (const auto &e : fs::recursive_directory_iterator(dir)) names.insert(fs::relative(e.path(), dir).string());
    std::cout << lines << " lines";
    for (const auto &n : names) std::cout << " " << n;
    std::cout << " " << fs::file_size(dir / "a" / "file") << "\n";
    try {
        fs::copy_file(dir / "none", dir / "x");
    } catch (const fs::filesystem_error &e) {
        std::cout << e.code().value() << " " << (e.code() == std::errc::no_such_file_or_directory) << "\n";
    }
    fs::remove_all(dir);
    std::ifstream missing("/no/such/file");
    missing.exceptions(std::ios::goodbit);
    try {
        missing.exceptions(std::ios::failbit);
    } catch (const std::ios_base::failure &) {
        std::cout << "stream failed\n";
    }
    auto start = std::chrono::steady_clock::now();
    std::cout << (std::chrono::steady_clock::now() - start < std::chrono::hours(1)) << "\n";
}
