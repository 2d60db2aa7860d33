# Words of a text, patterns, associative arrays, recursion, printf.
function ackermann(m, n) {
    if (m == 0) return n + 1
    if (n == 0) return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))
}
function gcd(a, b) { return b ? gcd(b, a % b) : a }
{
    for (i = 1; i <= NF; i++) {
        count[tolower($i)]++
        letters += length($i)
    }
}
/[aeiou][^aeiou]+[aeiou]$/ { vowels++ }
/^.*(ab|ba)+.*$/ { pairs++ }
{ line = $0; changed += gsub(/[a-m]+/, "<&>", line); bytes += length(line) }
END {
    for (w in count) { distinct++; if (count[w] > most || count[w] == most && w < word) { most = count[w]; word = w } }
    for (i = 1; i < 30000; i++) sum += gcd(i, 30030)
    printf "%d %d %s %d %d %d %d %d\n", letters, distinct, word, most, vowels, pairs, changed, bytes
    printf "%d %d\n", ackermann(2, 300), sum
}
