/* IDX and CIFAR-10 files and rows of +-1: what is read, and one sentence for everything that is wrong.  The image sets are checked against the first
 * labels and the sum of all pixels as numpy counts them. */
#include "qtest.h"

#include <unistd.h>
#include <zlib.h>

#include "data.h"
#include "dataset.h"

static char folder[] = "/tmp/quench-data-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static const char *spill(const char *name, const void *x, size_t n)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(x, 1, n, f), n);
    fclose(f);
    return path;
}

static const char *text(const char *name, const char *x)
{
    return spill(name, x, strlen(x));
}

static const char *zipped(const char *name, const void *x, size_t n, size_t cut)
{
    const char *path = in_folder(name);
    gzFile f = gzopen(path, "wb");
    assert_int_equal(gzwrite(f, x, (unsigned)n), n);
    gzclose(f);
    FILE *g = fopen(path, "rb");
    char *all = malloc(n + 1000);
    size_t got = fread(all, 1, n + 1000, g);
    fclose(g);
    assert_true(got > cut);
    spill(name, all, got - cut);
    free(all);
    return path;
}

static void fails(int err, int want, const char *part)
{
    assert_int_equal(err, want);
    if (!strstr(qn_error_text(), part))
        fail_msg("\"%s\" does not say \"%s\"", qn_error_text(), part);
}

#define IMAGE(n) "\0\0\x08\x03\0\0\0" n "\0\0\0\x02\0\0\0\x02"

static void idx(void **state)
{
    (void)state;
    static const char two[] = IMAGE("\x02") "\0\x01\x02\x03\x04\xff\x06\x07";
    const size_t n = sizeof two - 1;
    qn_idx x;
    for (int gz = 0; gz < 2; gz++) {
        const char *path = gz ? zipped("a.gz", two, n, 0) : spill("a", two, n);
        assert_int_equal(qn_idx_read(path, 3, &x), 0);
        assert_int_equal(x.size, 8);
        assert_int_equal(x.dims[0], 2);
        assert_int_equal(x.dims[2], 2);
        assert_int_equal(x.data[5], 255);
        qn_idx_free(&x);
        assert_null(x.data);
    }
    fails(qn_idx_read(in_folder("none"), 3, &x), QN_ERR_IO, "No such file");
    fails(qn_idx_read(folder, 3, &x), QN_ERR_IO, "is not a file");
    fails(qn_idx_read(spill("a", "", 0), 3, &x), QN_ERR_DATA, "0 bytes");
    fails(qn_idx_read(spill("a", two, 3), 3, &x), QN_ERR_DATA, "3 bytes");
    fails(qn_idx_read(spill("a", two, 9), 3, &x), QN_ERR_DATA, "inside the header");
    fails(qn_idx_read(spill("a", two, n - 1), 3, &x), QN_ERR_DATA, "promises 8 bytes of data but only 7");
    fails(qn_idx_read(spill("a", two, n + 1), 3, &x), QN_ERR_DATA, "more bytes follow");
    fails(qn_idx_read(spill("a", two, n), 1, &x), QN_ERR_DATA, "exchanged");
    fails(qn_idx_read(spill("a", "\0\0\x0d\x03", 4), 3, &x), QN_ERR_DATA, "00 00 08 03"); /* floats */
    fails(qn_idx_read(text("a", "PNG, perhaps"), 3, &x), QN_ERR_DATA, "begins with 50 4e 47");
    fails(qn_idx_read(spill("a", IMAGE("\0"), 16), 3, &x), QN_ERR_DATA, "dimension 1 is 0");
    fails(qn_idx_read(spill("a", "\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16), 3, &x), QN_ERR_DATA, "header is damaged");
    fails(qn_idx_read(spill("a", "\0\0\x08\x03\0\x0f\0\0\0\0\0\x01\0\0\x10\0", 16), 3, &x), QN_ERR_DATA, "only 0"); /* 4 GB that are not there */
    fails(qn_idx_read(zipped("a.gz", two, n, 9), 3, &x), QN_ERR_DATA, "cut short");
    fails(qn_idx_read("a", 9, &x), QN_ERR_INPUT, "dimensions");
    char *noise = malloc(100000);
    for (size_t i = 0; i < 100000; i++)
        noise[i] = (char)(i * 2654435761u >> 13);
    memcpy(noise, "\0\0\x08\x01\0\x01\x86\x90", 8); /* 99,984 bytes follow */
    const char *path = zipped("b.gz", noise, 99992, 0);
    FILE *f = fopen(path, "r+b");
    fseek(f, 0, SEEK_END);
    fseek(f, ftell(f) / 2, SEEK_SET);
    fputs("damaged", f);
    fclose(f);
    fails(qn_idx_read(path, 1, &x), QN_ERR_DATA, "damaged");
    free(noise);
}

static void images(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        size_t n;
        uint8_t first[5];
        uint64_t ink;
    } cases[] = {{"mnist-train10k", 10000, {5, 0, 4, 1, 9}, 262146600}, {"mnist-test5k", 5000, {7, 2, 1, 0, 4}, 122049336},
                 {"fashion-train8k", 8000, {7, 6, 6, 7, 8}, 462105583}, {"fashion-test2k", 2000, {0, 3, 5, 6, 0}, 114361752}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char a[128], b[128];
        qn_images x;
        snprintf(a, sizeof a, "tests/data/%s-images-idx3-ubyte.gz", cases[i].set);
        snprintf(b, sizeof b, "tests/data/%s-labels-idx1-ubyte.gz", cases[i].set);
        if (qn_images_read(a, b, &x))
            fail_msg("%s", qn_error_text());
        assert_int_equal(x.n, cases[i].n);
        assert_int_equal(x.rows, 28);
        assert_int_equal(x.cols, 28);
        assert_memory_equal(x.labels, cases[i].first, 5);
        uint64_t ink = 0;
        for (size_t k = 0; k < x.n * 784; k++)
            ink += x.pixels[k];
        assert_int_equal(ink, cases[i].ink);
        for (size_t k = 0; k < x.n; k++)
            assert_true(x.labels[k] < 10);
        qn_images_free(&x);
        fails(qn_images_read(b, a, &x), QN_ERR_DATA, "exchanged");
        assert_null(x.pixels);
    }
    qn_images x;
    fails(qn_images_read("tests/data/mnist-test5k-images-idx3-ubyte.gz", "tests/data/fashion-test2k-labels-idx1-ubyte.gz", &x), QN_ERR_DATA,
          "2000 labels but");
}

static void rows(void **state)
{
    (void)state;
    qn_spins x;
    if (qn_spins_read("tests/data/patterns_N12_K5.txt", 12, &x))
        fail_msg("%s", qn_error_text());
    assert_int_equal(x.rows, 5);
    assert_int_equal(x.cols, 12);
    const int8_t second[] = {1, -1, -1, -1, 1, 1, -1, 1, 1, -1, 1, -1};
    assert_memory_equal(x.s + 12, second, 12);
    qn_spins_free(&x);
    assert_int_equal(qn_spins_read(text("a", "# spins\n\n+1, -1 ; 1\t1.0   # end\r\n-1 -1 -1 -1"), 0, &x), 0);
    assert_int_equal(x.rows, 2);
    assert_int_equal(x.cols, 4);
    assert_memory_equal(x.s, ((const int8_t[]){1, -1, 1, 1, -1, -1, -1, -1}), 8);
    qn_spins_free(&x);
    fails(qn_spins_read(text("a", "1 -1\n1 -1 1\n"), 0, &x), QN_ERR_DATA, "a:2: 3 values in this row; there must be 2");
    fails(qn_spins_read(text("a", "1 -1\n1 0\n"), 0, &x), QN_ERR_DATA, "a:2: \"0\" is not a spin");
    fails(qn_spins_read(text("a", "1 nan\n"), 0, &x), QN_ERR_DATA, "\"nan\"");
    fails(qn_spins_read(text("a", "1 1a\n"), 0, &x), QN_ERR_DATA, "\"1a\"");
    fails(qn_spins_read(text("a", "1 1\n"), 3, &x), QN_ERR_DATA, "2 values; 3 are needed");
    fails(qn_spins_read(text("a", "# nothing\n"), 0, &x), QN_ERR_DATA, "no row");
    fails(qn_spins_read(text("a", ""), 0, &x), QN_ERR_DATA, "no row");
    fails(qn_spins_read(in_folder("none"), 0, &x), QN_ERR_IO, "No such file");
    fails(qn_spins_read(folder, 0, &x), QN_ERR_IO, "is not a file");
    assert_null(x.s);
}

static void add(qn_dataset *d, const char *name, qn_dtype type, size_t n_dims, const char *const *dims, qn_var **out)
{
    if (qn_dataset_var(d, name, type, n_dims, dims, out))
        fail_msg("%s", qn_error_text());
}

static void hdf5(void **state)
{
    (void)state;
    static const char *const dims[] = {"pattern", "site"};
    qn_dataset *d;
    qn_var *v, *w;
    qn_spins x;
    const char *path = in_folder("p.h5");
    assert_int_equal(qn_dataset_new(&d) || qn_dataset_dim(d, "pattern", 2) || qn_dataset_dim(d, "site", 3), 0);
    assert_int_equal(qn_dataset_write(d, path), 0);
    fails(qn_spins_read(path, 0, &x), QN_ERR_DATA, "no two-dimensional");
    add(d, "xi", QN_I8, 2, dims, &v);
    memcpy(v->i8, ((const int8_t[]){1, -1, 1, -1, -1, 1}), 6);
    assert_int_equal(qn_dataset_write(d, path), 0);
    assert_int_equal(qn_spins_read(path, 3, &x), 0); /* the only one */
    assert_int_equal(x.rows, 2);
    assert_memory_equal(x.s, v->i8, 6);
    qn_spins_free(&x);
    add(d, "other", QN_F64, 2, dims, &w);
    assert_int_equal(qn_dataset_write(d, path), 0);
    fails(qn_spins_read(path, 0, &x), QN_ERR_DATA, "several");
    add(d, "patterns", QN_F64, 2, dims, &w); /* NaN so far */
    assert_int_equal(qn_dataset_write(d, path), 0);
    fails(qn_spins_read(path, 0, &x), QN_ERR_DATA, "`patterns`[0,0] = nan is not a spin");
    for (size_t i = 0; i < 6; i++)
        w->f64[i] = i == 4 ? 2 : -1;
    assert_int_equal(qn_dataset_write(d, path), 0);
    fails(qn_spins_read(path, 0, &x), QN_ERR_DATA, "[1,1] = 2 ");
    w->f64[4] = 1;
    assert_int_equal(qn_dataset_write(d, path), 0);
    fails(qn_spins_read(path, 4, &x), QN_ERR_DATA, "3 values; 4 are needed");
    assert_int_equal(qn_spins_read(path, 0, &x), 0);
    assert_int_equal(x.s[4], 1);
    qn_spins_free(&x);
    qn_dataset_free(d);
}

/* The archive of the real one is not ours to ship: records made here, by the description of the format. */
static void cifar10(void **state)
{
    (void)state;
    enum { N = 7, RECORD = 3073 };
    static unsigned char all[N * RECORD];
    for (size_t i = 0; i < N; i++) {
        all[i * RECORD] = (unsigned char)((3 * i + 6) % 10);
        for (size_t j = 1; j < RECORD; j++)
            all[i * RECORD + j] = (unsigned char)(i * 37 + j * 11 + j / 1024);
    }
    qn_images x;
    for (int packed = 0; packed < 2; packed++) {
        const char *path = packed ? zipped("c.gz", all, sizeof all, 0) : spill("c.bin", all, sizeof all);
        assert_int_equal(qn_cifar10_read(path, &x), 0);
        assert_true(x.n == N && x.rows == 96 && x.cols == 32);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(x.labels[i], (3 * i + 6) % 10);
            assert_memory_equal(x.pixels + i * 3072, all + i * RECORD + 1, 3072);
        }
        qn_images_free(&x);
    }
    fails(qn_cifar10_read(spill("short.bin", all, sizeof all - 5), &x), QN_ERR_DATA, "cut short");
    assert_null(x.pixels);
    fails(qn_cifar10_read(spill("long.bin", all, RECORD + 1), &x), QN_ERR_DATA, "3074 bytes");
    fails(qn_cifar10_read(spill("none.bin", all, 0), &x), QN_ERR_DATA, "0 bytes");
    fails(qn_cifar10_read(zipped("cut.gz", all, sizeof all, 20), &x), QN_ERR_DATA, "cut short");
    fails(qn_cifar10_read(in_folder("absent.bin"), &x), QN_ERR_IO, "absent.bin");
    fails(qn_cifar10_read(folder, &x), QN_ERR_IO, "is not a file");
    fails(qn_cifar10_read("tests/data/mnist-train10k-labels-idx1-ubyte.gz", &x), QN_ERR_DATA, "IDX");
    all[2 * RECORD] = 10;
    fails(qn_cifar10_read(spill("label.bin", all, sizeof all), &x), QN_ERR_DATA, "record 3 has the label 10");
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char line[300];
    snprintf(line, sizeof line, "rm -rf %s", folder);
    return system(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(idx), cmocka_unit_test(images), cmocka_unit_test(cifar10), cmocka_unit_test(rows), cmocka_unit_test(hdf5)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
