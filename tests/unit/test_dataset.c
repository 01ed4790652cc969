/* The tree in memory, its HDF5 form as HDF5's own interface sees it, files of others, damaged files, full disks. */
#include "qtest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <hdf5.h>
#include <hdf5_hl.h>

#include "dataset.h"
#include "text.h"

static char folder[] = "/tmp/quench-dataset-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][256];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void ok(int err)
{
    if (err)
        fail_msg("%s", qn_error_text());
}

static void fails(int err, int want, const char *part)
{
    assert_int_equal(err, want);
    if (!strstr(qn_error_text(), part))
        fail_msg("\"%s\" does not say \"%s\"", qn_error_text(), part);
}

static qn_var *add(qn_dataset *d, const char *name, qn_dtype type, size_t n, const char *const *dims)
{
    qn_var *v;
    ok(qn_dataset_var(d, name, type, n, dims, &v));
    return v;
}
#define DIMS(...) (const char *const[]){__VA_ARGS__}

/* Root with axes of numbers and of text, scalars, a long dimension without coordinate; a group that uses the root's axes; blobs. */
static qn_dataset *example(void)
{
    qn_dataset *d, *s, *c, *e;
    const int64_t seed = INT64_MIN;
    const double list[] = {1, -0.0, NAN};
    ok(qn_dataset_new(&d));
    ok(qn_attr_str(d, NULL, "Conventions", "quench-1"));
    ok(qn_attr_str(d, NULL, "nothing", ""));
    ok(qn_attr_str(d, NULL, "input:/a/b.gz", "γ é"));
    ok(qn_attr_i64(d, NULL, "seed", 1, &seed));
    ok(qn_attr_f64(d, NULL, "list", 3, list));
    ok(qn_dataset_dim(d, "T", 3));
    ok(qn_dataset_dim(d, "dynamics", 2));
    ok(qn_dataset_dim(d, "site", 700));
    qn_var *v = add(d, "m", QN_F64, 2, DIMS("dynamics", "T"));
    for (size_t i = 0; i < 5; i++)
        v->f64[i] = 0.1 * (double)i;
    ok(qn_attr_str(d, v, "units", "1"));
    v = add(d, "T", QN_F64, 1, DIMS("T"));
    for (size_t i = 0; i < 3; i++)
        v->f64[i] = (double)i / 3;
    ok(qn_attr_str(d, v, "long_name", "temperature"));
    v = add(d, "dynamics", QN_STR, 1, DIMS("dynamics"));
    ok(qn_var_set_str(v, 0, "heatbath"));
    ok(qn_var_set_str(v, 1, "größe"));
    add(d, "u", QN_F64, 0, NULL)->f64[0] = -1.5;
    ok(qn_var_set_str(add(d, "note", QN_STR, 0, NULL), 0, "one"));
    add(d, "text", QN_STR, 1, DIMS("T")); /* never set: empty */
    memset(add(d, "m_eq", QN_I8, 2, DIMS("T", "dynamics"))->i8, 1, 5);
    v = add(d, "profile", QN_F64, 2, DIMS("T", "site"));
    for (size_t i = 0; i < v->size; i++)
        v->f64[i] = (double)i;
    ok(qn_dataset_group(d, "samples", &s));
    ok(qn_dataset_dim(s, "replica", 4));
    v = add(s, "m", QN_F64, 3, DIMS("dynamics", "T", "replica"));
    for (size_t i = 0; i < v->size; i++)
        v->f64[i] = 1.0 / (double)(i + 1);
    v = add(s, "key", QN_I64, 2, DIMS("T", "replica"));
    for (size_t i = 0; i < v->size; i++)
        v->i64[i] = (int64_t)(i * 0x9e3779b97f4a7c15u);
    ok(qn_dataset_group(d, "environment", &e));
    ok(qn_attr_str(e, NULL, "host", "here"));
    ok(qn_dataset_group(d, "checkpoints", &c));
    ok(qn_dataset_dim(c, "_n_ab", 9000));
    ok(qn_dataset_dim(c, "_n_cd", 0));
    v = add(c, "ab", QN_I8, 1, DIMS("_n_ab"));
    for (size_t i = 0; i < v->size; i++)
        v->i8[i] = (int8_t)(i % 251);
    ok(qn_attr_i64(c, v, "step", 1, &seed));
    add(c, "cd", QN_I8, 1, DIMS("_n_cd"));
    return d;
}

static void same_attrs(const qn_attr *a, size_t na, const qn_attr *b, size_t nb)
{
    assert_int_equal(na, nb);
    for (size_t i = 0; i < na; i++) {
        assert_string_equal(a[i].name, b[i].name);
        assert_int_equal(a[i].type, b[i].type);
        assert_int_equal(a[i].n, b[i].n);
        if (a[i].type == QN_STR)
            assert_string_equal(a[i].str, b[i].str);
        else
            assert_memory_equal(a[i].type == QN_F64 ? (const void *)a[i].f64 : a[i].i64, a[i].type == QN_F64 ? (const void *)b[i].f64 : b[i].i64, 8 * a[i].n);
    }
}

static void same_var(const qn_var *a, const qn_var *b)
{
    assert_non_null(b);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->rank, b->rank);
    assert_int_equal(a->size, b->size);
    for (size_t k = 0; k < a->rank; k++) {
        assert_string_equal(a->dims[k], b->dims[k]);
        assert_int_equal(a->shape[k], b->shape[k]);
    }
    for (size_t i = 0; i < a->size; i++)
        if (a->type == QN_STR)
            assert_string_equal(a->str[i] ? a->str[i] : "", b->str[i]);
        else
            assert_memory_equal((const char *)a->data + i * (a->type == QN_I8 ? 1 : 8), (const char *)b->data + i * (a->type == QN_I8 ? 1 : 8), a->type == QN_I8 ? 1 : 8);
    same_attrs(a->attrs, a->n_attrs, b->attrs, b->n_attrs);
}

/* b, read from disk, holds all of a and besides only index coordinates. */
static void same_tree(const qn_dataset *a, const qn_dataset *b)
{
    same_attrs(a->attrs, a->n_attrs, b->attrs, b->n_attrs);
    for (size_t i = 0; i < a->n_vars; i++)
        same_var(a->vars[i], qn_dataset_find(b, a->vars[i]->name));
    for (size_t i = 0; i < b->n_vars; i++)
        if (!qn_dataset_find(a, b->vars[i]->name)) {
            assert_int_equal(b->vars[i]->type, QN_I64);
            assert_non_null(qn_dataset_find_dim(a, b->vars[i]->name));
            for (size_t k = 0; k < b->vars[i]->size; k++)
                assert_int_equal(b->vars[i]->i64[k], k);
        }
    for (size_t i = 0; i < a->n_dims; i++)
        assert_int_equal(qn_dataset_find_dim(b, a->dims[i].name)->n, a->dims[i].n);
    assert_int_equal(a->n_groups, b->n_groups);
    for (size_t i = 0; i < a->n_groups; i++) {
        assert_string_equal(a->groups[i]->name, b->groups[i]->name); /* in order of creation */
        same_tree(a->groups[i], b->groups[i]);
    }
}

/* ---- the tree ----------------------------------------------------------------------------------------------------- */

static void tree(void **state)
{
    (void)state;
    qn_dataset *d, *g;
    qn_var *v;
    ok(qn_dataset_new(&d));
    ok(qn_dataset_dim(d, "x", 3));
    ok(qn_dataset_dim(d, "x", 3));
    fails(qn_dataset_dim(d, "x", 4), QN_ERR_DATA, "length 3");
    ok(qn_dataset_group(d, "g", &g));
    assert_ptr_equal(qn_dataset_find_group(d, "g"), g);
    assert_null(qn_dataset_find_group(d, "h"));
    assert_int_equal(qn_dataset_find_dim(g, "x")->n, 3);
    assert_null(qn_dataset_find_dim(g, "y"));
    v = add(g, "a", QN_F64, 1, DIMS("x"));
    assert_true(isnan(v->f64[0]) && isnan(v->f64[2]));
    assert_true(isnan(qn_var_number(v, 1)));
    assert_int_equal(v->size, 3);
    fails(qn_dataset_dim(g, "x", 5), QN_ERR_DATA, "in a"); /* `a` lies over the root's x */
    ok(qn_dataset_dim(d, "y", 2));
    ok(qn_dataset_dim(g, "y", 7)); /* hides the root's */
    assert_int_equal(add(g, "b", QN_I64, 1, DIMS("y"))->size, 7);
    assert_int_equal(add(d, "b", QN_I8, 2, DIMS("y", "x"))->size, 6);
    fails(qn_dataset_var(d, "b", QN_F64, 0, NULL, &v), QN_ERR_DATA, "there already");
    fails(qn_dataset_var(d, "g", QN_F64, 0, NULL, &v), QN_ERR_DATA, "there already");
    fails(qn_dataset_var(d, "c", QN_F64, 1, DIMS("z"), &v), QN_ERR_DATA, "no dimension");
    fails(qn_dataset_var(d, "x", QN_F64, 0, NULL, &v), QN_ERR_DATA, "not its coordinate");
    fails(qn_dataset_var(d, "x", QN_F64, 2, DIMS("x", "x"), &v), QN_ERR_DATA, "not its coordinate");
    fails(qn_dataset_var(d, "p/q", QN_F64, 0, NULL, &v), QN_ERR_DATA, "p/q");
    fails(qn_dataset_var(d, "", QN_F64, 0, NULL, &v), QN_ERR_DATA, "cannot be");
    fails(qn_dataset_group(d, "b", &g), QN_ERR_DATA, "variable");
    fails(qn_dataset_dim(d, "b", 1), QN_ERR_DATA, "variable");
    fails(qn_dataset_var(d, "many", QN_F64, QN_MAX_RANK + 1, DIMS("x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x", "x"), &v), QN_ERR_DATA, "13");
    ok(qn_dataset_dim(d, "long", (size_t)1 << 40));
    fails(qn_dataset_var(d, "large", QN_F64, 2, DIMS("long", "long"), &v), QN_ERR_NOMEM, "large");
    assert_null(qn_dataset_find(d, "large"));
    qn_dataset_free(d);
    qn_dataset_free(NULL);
}

static void many_names(void **state)
{
    (void)state;
    qn_dataset *d;
    char name[16];
    ok(qn_dataset_new(&d));
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "v%d", i);
        add(d, name, QN_I64, 0, NULL)->i64[0] = i;
    }
    for (int i = 0; i < 500; i += 3) {
        snprintf(name, sizeof name, "v%d", i);
        qn_dataset_drop(d, name);
    }
    qn_dataset_drop(d, "v0"); /* gone already */
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "v%d", i);
        const qn_var *v = qn_dataset_find(d, name);
        assert_int_equal(v != NULL, i % 3 != 0);
        if (v)
            assert_int_equal(v->i64[0], i);
    }
    add(d, "v0", QN_I64, 0, NULL);
    assert_ptr_equal(qn_dataset_find(d, "v0"), d->vars[d->n_vars - 1]);
    qn_dataset_free(d);
}

static void attributes(void **state)
{
    (void)state;
    qn_dataset *d;
    const double x[] = {1, 2};
    const int64_t i = 7;
    ok(qn_dataset_new(&d));
    qn_var *v = add(d, "a", QN_I8, 0, NULL);
    ok(qn_attr_str(d, v, "k", "one"));
    ok(qn_attr_f64(d, v, "k", 2, x)); /* replaces, with another type */
    assert_int_equal(v->n_attrs, 1);
    assert_null(qn_attr_text(d, v, "k"));
    assert_near(qn_attr_find(d, v, "k")->f64[1], 2, 0);
    ok(qn_attr_i64(d, NULL, "k", 1, &i));
    assert_int_equal(qn_attr_find(d, NULL, "k")->i64[0], 7);
    assert_null(qn_attr_find(d, NULL, "none"));
    v->i8[0] = -3;
    assert_near(qn_var_number(v, 0), -3, 0);
    qn_dataset_free(d);
}

/* ---- the file ----------------------------------------------------------------------------------------------------- */

static void round_trip(void **state)
{
    (void)state;
    qn_dataset *d = example(), *r;
    ok(qn_dataset_write(d, in_folder("a.h5")));
    ok(qn_dataset_read(in_folder("a.h5"), NULL, &r));
    assert_null(r->left_out);
    same_tree(d, r);
    same_tree(r, r);
    ok(qn_dataset_write_sealed(r, in_folder("a.part")));
    qn_dataset_free(r);
    ok(qn_dataset_read_sealed(in_folder("a.part"), &r));
    same_tree(d, r);
    qn_dataset_free(r);
    ok(qn_dataset_read(in_folder("a.part"), NULL, &r)); /* a seal disturbs no reader */
    same_tree(d, r);
    qn_dataset_free(r);
    ok(qn_dataset_read(in_folder("a.h5"), DIMS("samples", "checkpoints", "not there", NULL), &r));
    assert_int_equal(r->n_groups, 1);
    assert_non_null(qn_dataset_find(r, "profile"));
    qn_dataset_free(r);
    qn_dataset_free(d);
}

static void same_bytes(void **state)
{
    (void)state;
    qn_dataset *d = example();
    char *text[2];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        const char *path = in_folder(i ? "b1.h5" : "b0.h5");
        struct stat info;
        ok(qn_dataset_write(d, path));
        assert_int_equal(stat(path, &info), 0);
        n[i] = (size_t)info.st_size;
        text[i] = malloc(n[i]);
        FILE *f = fopen(path, "rb");
        assert_int_equal(fread(text[i], 1, n[i], f), n[i]);
        fclose(f);
        if (!i)
            sleep(1); /* no time of day is in it */
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(text[0], text[1], n[0]);
    free(text[0]);
    free(text[1]);
    qn_dataset_free(d);
}

static int filters(hid_t id)
{
    hid_t p = H5Dget_create_plist(id);
    int n = H5Pget_nfilters(p);
    if (n == 3) {
        const H5Z_filter_t want[] = {H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE, H5Z_FILTER_FLETCHER32};
        for (unsigned i = 0; i < 3; i++) {
            unsigned flags, config;
            size_t none = 0;
            assert_int_equal(H5Pget_filter2(p, i, &flags, &none, NULL, 0, NULL, &config), want[i]);
        }
    }
    H5Pclose(p);
    return n;
}

static haddr_t address(hid_t file, const char *path)
{
    H5O_info_t info;
    assert_true(H5Oget_info_by_name2(file, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0);
    return info.addr;
}

static herr_t note_scale(hid_t id, unsigned k, hid_t scale, void *to)
{
    (void)id, (void)k;
    H5O_info_t info;
    H5Oget_info2(scale, &info, H5O_INFO_BASIC);
    *(haddr_t *)to = info.addr;
    return 0;
}

/* What readers rely on, seen through HDF5: scales, hard links, order, types, filters. */
static void form(void **state)
{
    (void)state;
    static const struct {
        const char *var, *scale[3];
        int filters;
    } want[] = {{"/m", {"/dynamics", "/T"}, 0}, {"/m_eq", {"/T", "/dynamics"}, 0}, {"/profile", {"/T", "/site"}, 3}, {"/u", {0}, 0}, {"/text", {"/T"}, 0},
                {"/samples/m", {"/dynamics", "/T", "/samples/replica"}, 0}, {"/checkpoints/ab", {"/checkpoints/_n_ab"}, 3}};
    qn_dataset *d = example();
    ok(qn_dataset_write(d, in_folder("c.h5")));
    qn_dataset_free(d);
    hid_t file = H5Fopen(in_folder("c.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        hid_t id = H5Dopen2(file, want[i].var, H5P_DEFAULT);
        assert_true(id >= 0);
        for (unsigned k = 0; k < 3 && want[i].scale[k]; k++) {
            haddr_t at = HADDR_UNDEF;
            assert_int_equal(H5DSget_num_scales(id, k), 1);
            assert_true(H5DSiterate_scales(id, k, NULL, note_scale, &at) >= 0);
            assert_int_equal(at, address(file, want[i].scale[k]));
        }
        assert_int_equal(filters(id), want[i].filters);
        H5Dclose(id);
    }
    assert_int_equal(address(file, "/samples/T"), address(file, "/T"));
    assert_int_equal(address(file, "/samples/dynamics"), address(file, "/dynamics"));
    assert_int_equal(H5Lexists(file, "/samples/site", H5P_DEFAULT), 0); /* not used there */
    static const char *const order[] = {"T", "dynamics", "site", "m", "u", "note", "text", "m_eq", "profile", "samples", "environment", "checkpoints"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        char name[32];
        assert_true(H5Lget_name_by_idx(file, "/", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT) > 0);
        assert_string_equal(name, order[i]);
    }
    hid_t attr = H5Aopen_by_idx(file, "/", H5_INDEX_CRT_ORDER, H5_ITER_INC, 2, H5P_DEFAULT, H5P_DEFAULT);
    char name[32];
    assert_true(H5Aget_name(attr, sizeof name, name) > 0);
    assert_string_equal(name, "input:/a/b.gz");
    hid_t type = H5Aget_type(attr);
    assert_true(H5Tis_variable_str(type) && H5Tget_cset(type) == H5T_CSET_UTF8);
    H5Tclose(type);
    H5Aclose(attr);
    hid_t id = H5Dopen2(file, "/m_eq", H5P_DEFAULT);
    type = H5Dget_type(id);
    assert_true(H5Tequal(type, H5T_STD_I8LE) > 0);
    H5Tclose(type);
    H5Dclose(id);
    id = H5Dopen2(file, "/checkpoints/_n_ab", H5P_DEFAULT);
    assert_int_equal(H5Dget_storage_size(id), 0); /* a scale without values */
    H5Dclose(id);
    H5Fclose(file);
}

static void chunks(void **state)
{
    (void)state;
    static const size_t shape[][3] = {{1, 1, 700}, {7, 300001, 3}, {100000, 20, 2}, {2, 3, 400000}, {513, 1, 1}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        qn_dataset *d, *r;
        ok(qn_dataset_new(&d));
        ok(qn_dataset_dim(d, "a", shape[i][0]));
        ok(qn_dataset_dim(d, "b", shape[i][1]));
        ok(qn_dataset_dim(d, "c", shape[i][2]));
        qn_var *v = add(d, "x", QN_F64, 3, DIMS("a", "b", "c"));
        for (size_t k = 0; k < v->size; k++)
            v->f64[k] = (double)(k % 1000);
        ok(qn_dataset_write(d, in_folder("d.h5")));
        ok(qn_dataset_read(in_folder("d.h5"), NULL, &r));
        same_var(v, qn_dataset_find(r, "x"));
        qn_dataset_free(r);
        qn_dataset_free(d);
        hid_t file = H5Fopen(in_folder("d.h5"), H5F_ACC_RDONLY, H5P_DEFAULT), id = H5Dopen2(file, "x", H5P_DEFAULT), p = H5Dget_create_plist(id);
        hsize_t chunk[3];
        assert_int_equal(H5Pget_chunk(p, 3, chunk), 3);
        size_t bytes = 8 * chunk[0] * chunk[1] * chunk[2];
        assert_true(bytes <= 1u << 20);
        assert_true(bytes >= 1u << 18 || bytes == 8 * shape[i][0] * shape[i][1] * shape[i][2]);
        H5Pclose(p);
        H5Dclose(id);
        H5Fclose(file);
    }
}

/* ---- files of others ---------------------------------------------------------------------------------------------- */

static void put(hid_t at, const char *name, hid_t type, hid_t memory, int rank, const hsize_t *n, const void *x)
{
    hid_t space = rank < 0 ? H5Screate(H5S_NULL) : rank ? H5Screate_simple(rank, n, NULL) : H5Screate(H5S_SCALAR);
    hid_t id = H5Dcreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(id >= 0);
    if (x)
        assert_true(H5Dwrite(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    H5Dclose(id);
    H5Sclose(space);
}

static void foreign(void **state)
{
    (void)state;
    const double x[] = {0.5, -2, 300};
    const int number[] = {1, 2, 65535};
    const signed char truth[] = {0, 1, 1};
    const hsize_t n = 3, huge[] = {1u << 30, 1u << 30}, large = (hsize_t)1 << 34;
    hid_t file = H5Fcreate(in_folder("e.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), plist;
    put(file, "single", H5T_IEEE_F32BE, H5T_NATIVE_DOUBLE, 1, &n, x);
    put(file, "word", H5T_STD_U16BE, H5T_NATIVE_INT, 1, &n, number);
    put(file, "byte", H5T_STD_U8LE, H5T_NATIVE_INT, 1, &n, number);
    hid_t boolean = H5Tenum_create(H5T_STD_I8LE);
    for (signed char k = 0; k < 2; k++)
        H5Tenum_insert(boolean, k ? "TRUE" : "FALSE", &k);
    put(file, "flag", boolean, boolean, 1, &n, truth);
    hid_t fixed = H5Tcopy(H5T_C_S1), spaced = H5Tcopy(H5T_FORTRAN_S1);
    H5Tset_size(fixed, 4);
    H5Tset_strpad(fixed, H5T_STR_NULLPAD);
    H5Tset_size(spaced, 4);
    put(file, "fixed", fixed, fixed, 1, &n, "fourab\0\0c\0\0\0");
    put(file, "spaced", spaced, spaced, 1, &n, "fourab  c   ");
    hid_t pair = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(pair, "re", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(pair, "im", 8, H5T_NATIVE_DOUBLE);
    put(file, "complex", pair, pair, 1, &n, NULL);
    put(file, "null", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, -1, NULL, NULL);
    put(file, "opaque", H5T_STD_REF_OBJ, H5T_STD_REF_OBJ, 1, &n, NULL);
    put(file, "huge", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, huge, NULL);
    put(file, "large", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &large, NULL); /* 128 GiB that nobody wrote */
    put(file, "unwritten", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &n, NULL);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk = 1 << 20;
    H5Pset_chunk(plist, 1, &chunk);
    hid_t space = H5Screate_simple(1, &large, NULL), id = H5Dcreate2(file, "sparse", H5T_IEEE_F64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Dclose(id);
    H5Sclose(space);
    H5Pclose(plist);
    H5Lcreate_soft("/nowhere", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/", file, "outside", H5P_DEFAULT, H5P_DEFAULT);
    hid_t g = H5Gcreate2(file, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "/", g, "up", H5P_DEFAULT, H5P_DEFAULT); /* a circle */
    put(g, "complex", pair, pair, 1, &n, NULL);
    H5LTset_attribute_float(file, "g", "f", (const float[]){0.5f, 1}, 2);
    H5LTset_attribute_string(file, "g", "s", "fixed text");
    H5Gclose(g);
    H5Tclose(pair);
    H5Tclose(fixed);
    H5Tclose(spaced);
    H5Tclose(boolean);
    H5Fclose(file);

    qn_dataset *d;
    ok(qn_dataset_read(in_folder("e.h5"), NULL, &d));
    const qn_var *v = qn_dataset_find(d, "single");
    assert_int_equal(v->type, QN_F64);
    assert_near(v->f64[2], 300, 0);
    v = qn_dataset_find(d, "word");
    assert_int_equal(v->type, QN_I64);
    assert_int_equal(v->i64[2], 65535);
    assert_int_equal(qn_dataset_find(d, "byte")->i64[2], 255);
    v = qn_dataset_find(d, "flag");
    assert_int_equal(v->type, QN_I8);
    assert_memory_equal(v->i8, truth, 3);
    v = qn_dataset_find(d, "fixed");
    assert_string_equal(v->str[0], "four");
    assert_string_equal(v->str[2], "c");
    v = qn_dataset_find(d, "spaced");
    assert_string_equal(v->str[0], "four");
    assert_string_equal(v->str[1], "ab");
    assert_non_null(qn_dataset_find(d, "unwritten"));
    assert_string_equal(d->left_out, "complex, huge, large, null, opaque, sparse, g/complex");
    const qn_dataset *sub = qn_dataset_find_group(d, "g");
    assert_int_equal(sub->n_groups, 0);
    assert_near(qn_attr_find(sub, NULL, "f")->f64[0], 0.5, 0);
    assert_string_equal(qn_attr_text(sub, NULL, "s"), "fixed text");
    ok(qn_dataset_write(d, in_folder("f.h5"))); /* and what was read can be written */
    qn_dataset_free(d);
}

/* Groups nested beyond all use end in a sentence. */
static void deep(void **state)
{
    (void)state;
    hid_t file = H5Fcreate(in_folder("g.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), at = file;
    for (int i = 0; i < 40; i++) {
        hid_t next = H5Gcreate2(at, "g", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (at != file)
            H5Gclose(at);
        at = next;
    }
    H5Gclose(at);
    H5Fclose(file);
    qn_dataset *d;
    fails(qn_dataset_read(in_folder("g.h5"), NULL, &d), QN_ERR_DATA, "deep");
    assert_null(d);
}

/* ---- damage ------------------------------------------------------------------------------------------------------- */

static char *slurp(const char *path, size_t *n)
{
    struct stat info;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &info), 0);
    *n = (size_t)info.st_size;
    char *x = malloc(*n + 1);
    assert_int_equal(fread(x, 1, *n, f), *n);
    fclose(f);
    return x;
}

static void spill(const char *path, const char *x, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_int_equal(fwrite(x, 1, n, f), n);
    fclose(f);
}

static void truncated(void **state)
{
    (void)state;
    qn_dataset *d = example(), *r;
    size_t n;
    ok(qn_dataset_write(d, in_folder("h.h5")));
    char *x = slurp(in_folder("h.h5"), &n);
    for (size_t k = 0; k < 40; k++) {
        spill(in_folder("i.h5"), x, k * (n - 32) / 40 + k % 2);
        fails(qn_dataset_read(in_folder("i.h5"), NULL, &r), QN_ERR_DATA, "i.h5");
        assert_null(r);
    }
    free(x);
    ok(qn_dataset_write_sealed(d, in_folder("h.part")));
    x = slurp(in_folder("h.part"), &n);
    for (size_t k = 1; k < n; k += k < 100 ? 1 : 997) {
        spill(in_folder("i.part"), x, n - k);
        fails(qn_dataset_read_sealed(in_folder("i.part"), &r), QN_ERR_DATA, "i.part");
    }
    free(x);
    spill(in_folder("i.h5"), "not HDF5 at all, only text\n", 27);
    fails(qn_dataset_read(in_folder("i.h5"), NULL, &r), QN_ERR_DATA, "not an HDF5 file");
    spill(in_folder("i.h5"), "", 0);
    fails(qn_dataset_read(in_folder("i.h5"), NULL, &r), QN_ERR_DATA, "empty");
    fails(qn_dataset_read_sealed(in_folder("i.h5"), &r), QN_ERR_DATA, "empty");
    qn_dataset_free(d);
}

/* Every flipped bit is noticed. */
static void flipped(void **state)
{
    (void)state;
    qn_dataset *d = example(), *r;
    for (int sealed = 0; sealed < 2; sealed++) {
        size_t n;
        ok(sealed ? qn_dataset_write_sealed(d, in_folder("j")) : qn_dataset_write(d, in_folder("j")));
        char *x = slurp(in_folder("j"), &n);
        for (size_t k = 0; k < n; k += k + 24 >= n ? 1 : 331 < n - 24 - k ? 331 : n - 24 - k) {
            x[k] = (char)(x[k] ^ 1 << k % 8);
            spill(in_folder("k"), x, n);
            fails(sealed ? qn_dataset_read_sealed(in_folder("k"), &r) : qn_dataset_read(in_folder("k"), NULL, &r), QN_ERR_DATA, "its seal");
            assert_null(r);
            x[k] = (char)(x[k] ^ 1 << k % 8);
        }
        free(x);
    }
    qn_dataset_free(d);
}

/* Another program that changes a file cuts the seal off; what it wrote is read. */
static void edited(void **state)
{
    (void)state;
    qn_dataset *d = example(), *r;
    ok(qn_dataset_write(d, in_folder("o.h5")));
    qn_dataset_free(d);
    hid_t file = H5Fopen(in_folder("o.h5"), H5F_ACC_RDWR, H5P_DEFAULT), id = H5Dopen2(file, "u", H5P_DEFAULT);
    assert_true(H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &(double){7}) >= 0);
    H5Dclose(id);
    H5Fclose(file);
    fails(qn_dataset_read_sealed(in_folder("o.h5"), &r), QN_ERR_DATA, "seal");
    ok(qn_dataset_read(in_folder("o.h5"), NULL, &r));
    assert_near(qn_dataset_find(r, "u")->f64[0], 7, 0);
    qn_dataset_free(r);
}

/* A byte of filtered data in a file that has lost its seal: fletcher32 sees it. */
static void checksum(void **state)
{
    (void)state;
    qn_dataset *d, *r;
    ok(qn_dataset_new(&d));
    ok(qn_dataset_dim(d, "x", 5000));
    qn_var *v = add(d, "a", QN_F64, 1, DIMS("x"));
    for (size_t i = 0; i < v->size; i++)
        v->f64[i] = sin((double)i);
    ok(qn_dataset_write(d, in_folder("l.h5")));
    qn_dataset_free(d);
    hid_t file = H5Fopen(in_folder("l.h5"), H5F_ACC_RDWR, H5P_DEFAULT), id = H5Dopen2(file, "a", H5P_DEFAULT), space = H5Dget_space(id);
    hsize_t offset, stored;
    unsigned mask;
    haddr_t at;
    assert_true(H5Dget_chunk_info(id, space, 0, &offset, &mask, &at, &stored) >= 0);
    H5Sclose(space);
    H5Dclose(id);
    H5Fclose(file);
    size_t n;
    char *x = slurp(in_folder("l.h5"), &n);
    x[at + stored / 2] ^= 4;
    spill(in_folder("l.h5"), x, n);
    free(x);
    fails(qn_dataset_read(in_folder("l.h5"), NULL, &r), QN_ERR_DATA, "damaged");
    assert_null(r);
}

/* Of the samples only those asked for; the root is whole. */
static void some(void **state)
{
    (void)state;
    qn_dataset *d = example(), *r;
    static const char *const skip[] = {"environment", NULL}, *const only[] = {"key", "absent", NULL}, *const none[] = {NULL};
    ok(qn_dataset_write(d, in_folder("p.h5")));
    ok(qn_dataset_read_some(in_folder("p.h5"), skip, "samples", only, &r));
    const qn_dataset *samples = qn_dataset_find_group(r, "samples");
    assert_non_null(qn_dataset_find(r, "m"));
    assert_non_null(qn_dataset_find(samples, "key"));
    assert_null(qn_dataset_find(samples, "m"));
    assert_int_equal(qn_dataset_find_dim(samples, "replica")->n, 4);
    assert_null(qn_dataset_find_group(r, "environment"));
    assert_non_null(qn_dataset_find_group(r, "checkpoints"));
    qn_dataset_free(r);
    ok(qn_dataset_read_some(in_folder("p.h5"), skip, "samples", none, &r));
    assert_null(qn_dataset_find(qn_dataset_find_group(r, "samples"), "key"));
    qn_dataset_free(r);
    qn_dataset_free(d);
}

/* A root put into another as a group, written, read, and taken out again: it stands alone. */
static void groups(void **state)
{
    (void)state;
    for (size_t n = 2; n < 4; n++) { /* an axis as long as the file's own, and one that is not */
        qn_dataset *d = example(), *g, *r;
        ok(qn_dataset_new(&g));
        ok(qn_dataset_dim(g, "T", n + 1));
        qn_var *v = add(g, "T", QN_F64, 1, DIMS("T"));
        v->f64[n] = 7;
        add(g, "exponent", QN_F64, 1, DIMS("T"))->f64[n] = 0.5;
        ok(qn_attr_str(g, NULL, "axes", "T"));
        ok(qn_dataset_group(g, "samples", &r));
        ok(qn_dataset_dim(r, "resample", 3));
        add(r, "exponent", QN_F64, 2, DIMS("T", "resample"))->f64[0] = 1;
        ok(qn_dataset_put_group(d, "fit", g));
        ok(qn_dataset_new(&g));
        ok(qn_dataset_put_group(d, "environment", g)); /* in place of the old one */
        assert_null(qn_attr_text(qn_dataset_find_group(d, "environment"), NULL, "host"));
        ok(qn_dataset_write(d, in_folder("q.h5")));
        qn_dataset_free(d);
        ok(qn_dataset_read(in_folder("q.h5"), NULL, &r));
        assert_int_equal(qn_dataset_find_dim(r, "T")->n, 3);
        fails(qn_dataset_take_group(r, "fits", &g), QN_ERR_INPUT, "no group /fits");
        fails(qn_dataset_take_group(r, "samples", &g), QN_ERR_DATA, "does not stand alone");
        ok(qn_dataset_take_group(r, "fit", &g));
        assert_null(g->parent);
        assert_near(qn_dataset_find(g, "T")->f64[n], 7, 0);
        assert_near(qn_dataset_find(g, "exponent")->f64[n], 0.5, 0);
        assert_near(qn_dataset_find(qn_dataset_find_group(g, "samples"), "exponent")->f64[0], 1, 0);
        ok(qn_dataset_write(g, in_folder("q.h5")));
        qn_dataset_drop_group(g, "samples");
        qn_dataset_drop_group(g, "samples"); /* not there: nothing happens */
        assert_int_equal(g->n_groups, 0);
        qn_dataset_free(g);
    }
}

/* ---- the disk ----------------------------------------------------------------------------------------------------- */

static size_t files_in_folder(void)
{
    size_t n = 0;
    char *line = qn_format("ls -a %s | wc -l", folder);
    FILE *p = popen(line, "r");
    assert_int_equal(fscanf(p, "%zu", &n), 1);
    pclose(p);
    free(line);
    return n;
}

static void disk(void **state)
{
    (void)state;
    qn_dataset *d = example(), *r;
    fails(qn_dataset_write(d, in_folder("none/a.h5")), QN_ERR_IO, "No such file");
    fails(qn_dataset_write(d, "/proc/a.h5"), QN_ERR_IO, "/proc/a.h5: cannot be written");
    fails(qn_dataset_read(in_folder("none.h5"), NULL, &r), QN_ERR_IO, "none.h5");
    assert_int_equal(errno, ENOENT);
    fails(qn_dataset_read(folder, NULL, &r), QN_ERR_IO, "not a file");
    fails(qn_dataset_read_sealed(in_folder("none.h5"), &r), QN_ERR_IO, "none.h5");
    fails(qn_dataset_write(d, folder), QN_ERR_IO, "cannot be written"); /* a folder is in its place */

    /* The write fails in the middle: the old file stays, the new one is gone. */
    qn_dataset *old;
    ok(qn_dataset_new(&old));
    ok(qn_attr_str(old, NULL, "title", "old"));
    ok(qn_dataset_write(old, in_folder("m.h5")));
    size_t before = files_in_folder();
    struct rlimit was, less;
    getrlimit(RLIMIT_FSIZE, &was);
    less = was;
    less.rlim_cur = 5000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &less);
    int err = qn_dataset_write(d, in_folder("m.h5")), sealed = qn_dataset_write_sealed(d, in_folder("n.h5"));
    setrlimit(RLIMIT_FSIZE, &was);
    fails(err, QN_ERR_IO, "n.h5: cannot be written: File too large");
    assert_int_equal(sealed, QN_ERR_IO);
    assert_int_equal(files_in_folder(), before);
    ok(qn_dataset_read(in_folder("m.h5"), NULL, &r));
    assert_string_equal(qn_attr_text(r, NULL, "title"), "old");
    qn_dataset_free(r);
    qn_dataset_free(old);
    qn_dataset_free(d);
}

static void *write_and_read(void *which)
{
    char name[64];
    bool sealed = *(int *)which == 0;
    qn_dataset *d = example(), *r = NULL;
    size_t bad = 0;
    snprintf(name, sizeof name, "%s/t%d", folder, *(int *)which);
    for (int i = 0; i < 20; i++) {
        bad += (sealed ? qn_dataset_write_sealed(d, name) : qn_dataset_write(d, name)) != 0;
        bad += (sealed ? qn_dataset_read_sealed(name, &r) : qn_dataset_read(name, NULL, &r)) != 0;
        bad += !r || r->n_vars != d->n_vars + 1; /* and the index of `site` */
        qn_dataset_free(r);
        r = NULL;
    }
    qn_dataset_free(d);
    return bad ? which : NULL;
}

static void threads(void **state)
{
    (void)state;
    pthread_t thread[4];
    int which[4];
    for (int i = 0; i < 4; i++) {
        which[i] = i / 2; /* two at a time on one file: the last one to rename wins, and it is whole */
        assert_int_equal(pthread_create(&thread[i], NULL, write_and_read, &which[i]), 0);
    }
    void *bad[4];
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], &bad[i]);
    for (int i = 0; i < 4; i++)
        assert_null(bad[i]);
}

/* 10,000 tasks of five series in 32 bins, as a worker flushes them: 0.03 s; the bound leaves room for a busy machine. */
static void speed(void **state)
{
    (void)state;
    qn_dataset *d;
    char name[16];
    ok(qn_dataset_new(&d));
    ok(qn_dataset_dim(d, "task", 10000));
    ok(qn_dataset_dim(d, "bin", 32));
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "m%d", i);
        qn_var *v = add(d, name, QN_F64, 2, DIMS("task", "bin"));
        for (size_t k = 0; k < v->size; k++)
            v->f64[k] = sin((double)k);
    }
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    ok(qn_dataset_write_sealed(d, in_folder("rows")));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    double s = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    if (s > 0.2)
        fail_msg("10,000 rows took %.3f s of CPU", s);
    qn_dataset_free(d);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char *line = qn_format("rm -rf %s", folder);
    int bad = system(line);
    free(line);
    return bad;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree),    cmocka_unit_test(many_names), cmocka_unit_test(attributes), cmocka_unit_test(round_trip), cmocka_unit_test(same_bytes),
        cmocka_unit_test(form),    cmocka_unit_test(chunks),     cmocka_unit_test(foreign),    cmocka_unit_test(deep),       cmocka_unit_test(truncated),
        cmocka_unit_test(flipped), cmocka_unit_test(edited), cmocka_unit_test(checksum),   cmocka_unit_test(disk),       cmocka_unit_test(threads),    cmocka_unit_test(speed),
        cmocka_unit_test(some),    cmocka_unit_test(groups),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
