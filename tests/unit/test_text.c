/* Nearest names, growing strings, numbers out of text, sizes and times for people. */
#include "qtest.h"

#include "text.h"

static void nearest(void **state)
{
    (void)state;
    static const char *const known[] = {"steps", "sampling", "load", "T", "start_overlap"};
    static const struct {
        const char *typed, *want;
    } cases[] = {{"step", "steps"}, {"setps", "steps"}, {"Steps", "steps"}, {"samplig", "sampling"}, {"startoverlap", "start_overlap"}, {"laod", "load"},
                 {"lod", "load"},   {"t", NULL},        {"xyz", NULL},      {"", NULL},              {"load", "load"},               {"N", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = qn_nearest(cases[i].typed, 5, known);
        if (!!got != !!cases[i].want || (got && strcmp(got, cases[i].want)))
            fail_msg("'%s' -> %s, want %s", cases[i].typed, got ? got : "nothing", cases[i].want ? cases[i].want : "nothing");
    }
    char longest[300];
    memset(longest, 'a', 299);
    longest[299] = 0;
    assert_null(qn_nearest(longest, 5, known));
    assert_null(qn_nearest("steps", 0, NULL));
}

static void buffers(void **state)
{
    (void)state;
    qn_buffer b = {0};
    assert_null(b.text);
    for (int i = 0; i < 2000; i++)
        qn_buffer_add(&b, "%d,", i % 10);
    assert_int_equal(b.n, 4000);
    assert_int_equal(strlen(b.text), 4000);
    assert_memory_equal(b.text + 3980, "0,1,2,3,4,5,6,7,8,9,", 20);
    assert_false(b.failed);
    qn_buffer_free(&b);
    assert_null(b.text);
    char *s = qn_format("%s-%03d", "a", 7);
    assert_string_equal(s, "a-007");
    free(s);
}

static void numbers(void **state)
{
    (void)state;
    int64_t i;
    uint64_t u;
    double x;
    assert_int_equal(qn_parse_int("-9223372036854775808", &i), 0);
    assert_true(i == INT64_MIN);
    static const char *const no_int[] = {"", "1.0", "9223372036854775808", "1x", "x", "1 ", "--1"};
    for (size_t k = 0; k < sizeof no_int / sizeof *no_int; k++)
        assert_int_equal(qn_parse_int(no_int[k], &i), QN_ERR_INPUT);
    assert_int_equal(qn_parse_u64("18446744073709551615", &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(qn_parse_u64("0x10", &u), 0);
    assert_int_equal(u, 16);
    static const char *const no_u64[] = {"", "-1", " 1", "+1", "18446744073709551616", "1e3", "0x"};
    for (size_t k = 0; k < sizeof no_u64 / sizeof *no_u64; k++)
        assert_int_equal(qn_parse_u64(no_u64[k], &u), QN_ERR_INPUT);
    assert_int_equal(qn_parse_real("-1.5e-3", &x), 0);
    assert_near(x, -0.0015, 0);
    static const char *const no_real[] = {"", "nan", "inf", "-infinity", "1e999", "0x1p3", "1,5", "1 ", " 1", "."};
    for (size_t k = 0; k < sizeof no_real / sizeof *no_real; k++)
        assert_int_equal(qn_parse_real(no_real[k], &x), QN_ERR_INPUT);
}

static void people(void **state)
{
    (void)state;
    char s[32];
    static const struct {
        double x;
        const char *want;
    } bytes[] = {{0, "0 B"}, {999, "999 B"}, {1536, "1.5 KiB"}, {20 * 1024.0, "20 KiB"}, {3.5 * 1073741824.0, "3.5 GiB"}},
      seconds[] = {{0.25, "0.2 s"}, {42, "42 s"}, {125, "2 min 05 s"}, {7260, "2 h 01 min"}, {3 * 86400.0, "3.0 days"}, {NAN, "?"}, {-1, "?"}};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        assert_string_equal(qn_human_bytes(bytes[i].x, s), bytes[i].want);
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        assert_string_equal(qn_human_seconds(seconds[i].x, s), seconds[i].want);
    double t = qn_now();
    assert_true(qn_now() >= t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nearest), cmocka_unit_test(buffers), cmocka_unit_test(numbers), cmocka_unit_test(people)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
