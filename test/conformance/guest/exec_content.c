// Content that is almost that of a listed file.
#include "attack.h"

CASE("content", control_listed_program) {
    WANT(run(MARK, "GOOD"), 0);
    WANT(run_forked(MARK, "GOOD"), 0);
}

CASE("content", control_listed_copy_anywhere) {
    good_program("mark");
    WANT(run("mark", "GOOD"), 0);
    WANT(run("./mark", "GOOD"), 0);
    WANT(run("/case/mark", "GOOD"), 0);
}

CASE("content", control_listed_script) {
    WANT(run(GOOD_SCRIPT, "GOOD"), 0);
    good_script("s");
    WANT(run("./s", "GOOD"), 0);
}

CASE("content", appended_byte) {
    evil_program("mark");
    WANT(run("mark", "EVIL"), EACCES);
    WANT(run_forked("mark", "EVIL"), EACCES);
}

CASE("content", appended_zero_byte) {
    good_program("mark");
    int fd = must(open("mark", O_WRONLY | O_APPEND));
    must(write(fd, "", 1));
    close(fd);
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", one_bit_flipped_at_each_place) {
    size_t n;
    char *data = get(MARK, &n);
    for (size_t i = 0; i < n; i += 1 + n / 400) {
        data[i] ^= 1 << (i % 8);
        put("mark", data, n, 0755);
        WANT(run("mark", "EVIL"), EACCES);
        data[i] ^= 1 << (i % 8);
    }
    put("mark", data, n, 0755);
    WANT(run("mark", "GOOD"), 0);
}

CASE("content", last_byte_changed) {
    size_t n;
    char *data = get(MARK, &n);
    data[n - 1] ^= 0x80;
    put("mark", data, n, 0755);
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", truncated) {
    good_program("mark");
    struct stat st;
    must(stat("mark", &st));
    must(truncate("mark", st.st_size - 1));
    WANT(run("mark", "EVIL"), EACCES);
    must(truncate("mark", 8));
    WANT(run("mark", "EVIL"), EACCES);
    must(truncate("mark", 0));
    WANT(run("mark", "EVIL"), EACCES, ENOEXEC);
}

CASE("content", empty_file) {
    put("mark", "", 0, 0755);
    WANT(run("mark", "EVIL"), EACCES, ENOEXEC);
    WANT(run_forked("mark", "EVIL"), EACCES, ENOEXEC);
}

CASE("content", holes_behind_the_end) {
    good_program("mark");
    struct stat st;
    must(stat("mark", &st));
    must(truncate("mark", st.st_size + 4096));
    WANT(run("mark", "EVIL"), EACCES);
    must(truncate("mark", st.st_size));
    WANT(run("mark", "GOOD"), 0);
}

CASE("content", sparse_huge_file) {
    good_program("mark");
    must(truncate("mark", 1LL << 40));
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", sparse_three_gigabytes) {
    good_program("mark");
    must(truncate("mark", 3LL << 30));
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", two_listed_files_joined) {
    size_t n, m;
    char *a = get(MARK, &n), *b = get(INTERP, &m);
    char *both = malloc(n + m);
    memcpy(both, a, n), memcpy(both + n, b, m);
    put("mark", both, n + m, 0755);
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", polyglot_script_and_program) {
    size_t n;
    char *a = get(MARK, &n), *both = malloc(n + 64);
    int k = sprintf(both, "#!/bin/interp\nmark EVIL\n");
    memcpy(both + k, a, n);
    put("mark", both, n + k, 0755);
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", polyglot_program_with_script_in_custom_section) {
    size_t n;
    char *a = get(MARK, &n), *both = malloc(n + 64);
    const char *text = "\n#!/bin/interp\nmark EVIL\n";
    memcpy(both, a, n);
    both[n] = 0, both[n + 1] = (char)(strlen(text) + 2), both[n + 2] = 1, both[n + 3] = 'x';
    memcpy(both + n + 4, text, strlen(text));
    put("mark", both, n + 4 + strlen(text), 0755);
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", valid_module_that_was_never_built) {
    static const unsigned char module[] = {0,   'a', 's', 'm', 1, 0, 0,  0,  1, 4, 1,   0x60,
                                           0,   0,   3,   2,   1, 0, 7,  10, 1, 6, '_', 's',
                                           't', 'a', 'r', 't', 0, 0, 10, 4,  1, 2, 0,   0x0b};
    put("mark", module, sizeof module, 0755);
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", native_program) {
    static const unsigned char elf[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    put("mark", elf, sizeof elf, 0755);
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", text_without_magic) {
    put_text("mark", "mark EVIL\n", 0755);
    WANT(run("mark", "EVIL"), EACCES);
}

CASE("content", data_file_of_the_bundle_made_executable) {
    must(chmod("/opt/data.txt", 0755));
    WANT(run("/opt/data.txt", "EVIL"), EACCES);
    must(chmod("/opt/evil.sh", 0755));
    WANT(run("/opt/evil.sh", "EVIL"), EACCES);
}

CASE("content", listed_file_of_the_bundle_changed) {
    append(MARK, "x");
    WANT(run(MARK, "EVIL"), EACCES);
    append(GOOD_SCRIPT, "mark EVIL\n");
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES);
}

CASE("content", listed_file_of_the_bundle_replaced) {
    evil_program("mark");
    must(rename("mark", MARK));
    WANT(run(MARK, "EVIL"), EACCES);
    evil_script("s");
    must(unlink(GOOD_SCRIPT));
    must(link("s", GOOD_SCRIPT));
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES);
}

CASE("content", interpreter_of_the_bundle_replaced) {
    evil_program("mark");
    must(rename("mark", INTERP));
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES);
    put_text("i", "#!/bin/mark EVIL\n", 0755);
    must(rename("i", INTERP));
    WANT(run(GOOD_SCRIPT, "EVIL"), EACCES);
}
