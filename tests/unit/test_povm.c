/* test_povm.c -- engine povm: words of a Hamiltonian, lattices and their orders, averages with their errors, dimensions. */
#include "povm_run.h"

#include "povm/observables.h"

/* ---- words -------------------------------------------------------------------------------------------------------- */

static void test_words(void **state)
{
    (void)state;
    point x;
    point_open(&x, 1, "V=3; g=0.5; gamma=4; hamiltonian=V/4 ZZ + g/2 X-0.5*YX - -2 Z +XY+ 1e-3 XX - (g - 1)^2 Y; jumps=sqrt(gamma) s- + 0.5s+ - 0.3 Zs- + s-s- + 2Y");
    static const struct {
        double factor;
        int sites;
        const char *letters[2];
    } h[] = {{0.75, 2, {"Z", "Z"}}, {0.25, 1, {"X", ""}}, {-0.5, 2, {"Y", "X"}}, {2, 1, {"Z", ""}}, {1, 2, {"X", "Y"}}, {1e-3, 2, {"X", "X"}}, {-0.25, 1, {"Y", ""}}},
      j[] = {{2, 1, {"s-", ""}}, {0.5, 1, {"s+", ""}}, {-0.3, 2, {"Z", "s-"}}, {1, 2, {"s-", "s-"}}, {2, 1, {"Y", ""}}};
    const povm_terms *t = &x.problem.terms;
    assert_int_equal(t->n_hamiltonian, sizeof h / sizeof *h);
    assert_int_equal(t->n_jumps, sizeof j / sizeof *j);
    for (int k = 0; k < t->n_hamiltonian + t->n_jumps; k++) {
        const bool jump = k >= t->n_hamiltonian;
        const povm_word *w = jump ? &t->jump[k - t->n_hamiltonian] : &t->hamiltonian[k];
        assert_near(w->factor, jump ? j[k - t->n_hamiltonian].factor : h[k].factor, 1e-15);
        assert_int_equal(w->sites, jump ? j[k - t->n_hamiltonian].sites : h[k].sites);
        for (int s = 0; s < 2; s++)
            assert_string_equal(w->letter[s], jump ? j[k - t->n_hamiltonian].letters[s] : h[k].letters[s]);
    }
    assert_true(t->jump[0].op[0][1][0] == 1 && t->jump[0].op[0][0][1] == 0); /* s- = |1><0| */
    point_close(&x);
    point_open(&x, 1, "hamiltonian= ; jumps=0 Z");
    assert_int_equal(x.problem.terms.n_hamiltonian, 0);
    assert_false(x.problem.generator.has_one || x.problem.generator.has_two);
    point_close(&x);
}

static int gather(void *to, const char *name)
{
    strcat(to, name);
    strcat(to, " ");
    return 0;
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *names;
    } cases[] = {
        {"V/4 ZZ + g/2 X", "V g "},
        {"sqrt(gamma) s- + min(a, pi) Zs-", "gamma a "},
        {"(s-1) X + s X + 2Zeta Y", "s s Zeta "}, /* s is a name unless a sign follows at once; Zeta is no word */
        {"2 X + Y", ""},
        {"V/4 ZQ + g X", "V g "},                 /* wrong texts: what was meant as a word is no name */
        {"ZQ + g X", "g "},
        {"0.5j X + i g Y + i J Z - 2 Q", "g J "},
        {"(", ""},
        {"", ""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char names[100] = "";
        assert_int_equal(povm_terms_names(cases[k].text, gather, names), 0);
        if (strcmp(names, cases[k].names))
            fail_msg("names of \"%s\": \"%s\", not \"%s\"", cases[k].text, names, cases[k].names);
    }
}

static void test_wrong_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *jumps, *says;
    } cases[] = {
        {"i ZZ", "", "not real"},          {"0.5j X", "", "not real"},       {"(1+i) X", "", "not real"},      {"g s-", "", "not Hermitian"},
        {"s+s-", "", "not Hermitian"},     {"XYZ", "", "too long"},          {"", "s-s-s-", "too long"},       {"g ZQ", "", "'ZQ' is no word"},
        {"ZQ + X", "", "no word of"},      {"2", "", "no word of"},          {"g X X", "", "'+' or '-'"},      {"sqrt(-1) X", "", "real and finite"},
        {"1/0 X", "", "real and finite"},  {"(X+1) ZZ", "", "letter X"},     {"g ( X", "", "no word of"},      {"2 + 1 X", "", "no word of"},
        {"g/ X", "", "expected"},          {"X +", "", "no word of"},        {"", "0.5 Q", "'Q' is no word"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        point x;
        povm_word words[POVM_MAX_TERMS];
        int n, h = -1;
        const bool jumps = *cases[k].jumps;
        point_open(&x, 1, "N=2");
        h = qn_schema_index(&x.schema, jumps ? "jumps" : "hamiltonian");
        qn_value_free(&x.p.v[h]);
        assert_int_equal(qn_value_parse(&x.schema.item[h], jumps ? cases[k].jumps : cases[k].text, &x.p.v[h]), 0);
        assert_int_equal(povm_words_read(&x.p, jumps, words, &n), QN_ERR_INPUT);
        if (!strstr(qn_error_text(), cases[k].says))
            fail_msg("\"%s%s\" says \"%s\", not \"%s\"", cases[k].text, cases[k].jumps, qn_error_text(), cases[k].says);
        point_close(&x);
    }
}

/* ---- lattices ------------------------------------------------------------------------------------------------------- */

static void test_bonds(void **state)
{
    (void)state;
    static const struct {
        int lx, ly;
        bool periodic, twice;
        int bonds;
    } cases[] = {{1, 1, true, false, 0}, {2, 1, true, false, 1}, {2, 1, true, true, 2}, {2, 1, false, false, 1}, {8, 1, true, false, 8}, {8, 1, false, false, 7},
                 {3, 3, true, false, 18}, {3, 3, false, false, 12}, {2, 2, true, false, 4}, {2, 2, true, true, 8}, {2, 3, true, false, 9}, {2, 3, true, true, 12}, {1, 5, true, false, 5}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        povm_lattice l;
        assert_int_equal(povm_lattice_create(cases[k].lx, cases[k].ly, cases[k].periodic, cases[k].twice, &l), 0);
        assert_int_equal(l.n_bonds, cases[k].bonds);
        assert_true(povm_lattice_connected(&l));
        povm_lattice_free(&l);
    }
    povm_lattice l;
    const double pairs[] = {0, 1, 2, 3}, beyond[] = {0, 4}, loop[] = {1, 1};
    assert_int_equal(povm_lattice_graph(4, 4, pairs, &l), 0);
    assert_false(povm_lattice_connected(&l));
    povm_lattice_free(&l);
    assert_int_equal(povm_lattice_graph(4, 3, pairs, &l), QN_ERR_INPUT);
    povm_lattice_free(&l);
    assert_int_equal(povm_lattice_graph(4, 2, beyond, &l), QN_ERR_INPUT);
    povm_lattice_free(&l);
    assert_int_equal(povm_lattice_graph(4, 2, loop, &l), QN_ERR_INPUT);
    povm_lattice_free(&l);
}

static void test_distances(void **state)
{
    (void)state;
    povm_lattice l;
    povm_distances d;
    assert_int_equal(povm_lattice_create(7, 1, true, false, &l), 0);
    assert_int_equal(povm_distances_create(&l, &d), 0);
    assert_int_equal(d.count, 3);
    for (int k = 0; k < 3; k++) {
        assert_near(d.value[k], k + 1, 0);
        assert_int_equal(d.pairs[k], 7);
    }
    assert_int_equal(d.of[0 * 7 + 5], 1);
    assert_int_equal(d.of[3 * 7 + 3], -1);
    povm_distances_free(&d);
    povm_lattice_free(&l);
    assert_int_equal(povm_lattice_create(3, 2, false, false, &l), 0);
    assert_int_equal(povm_distances_create(&l, &d), 0);
    const double value[] = {1, sqrt(2), 2, sqrt(5)};
    const int pairs[] = {7, 4, 2, 2};
    assert_int_equal(d.count, 4);
    for (int k = 0; k < 4; k++) {
        assert_near(d.value[k], value[k], 1e-15);
        assert_int_equal(d.pairs[k], pairs[k]);
    }
    povm_distances_free(&d);
    povm_lattice_free(&l);
    const double path[] = {0, 2, 2, 1, 3, 4};
    assert_int_equal(povm_lattice_graph(5, 6, path, &l), 0);
    assert_int_equal(povm_distances_create(&l, &d), 0);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.pairs[0], 3);
    assert_int_equal(d.pairs[1], 1);
    assert_int_equal(d.of[0 * 5 + 1], 1);
    assert_int_equal(d.of[0 * 5 + 3], -1);
    povm_distances_free(&d);
    povm_lattice_free(&l);
}

/* Permutations, all different where there are so many, and serpentine: without translations that wrap, neighbours on the path are neighbours. */
static void test_orders(void **state)
{
    (void)state;
    static const struct {
        int lx, ly;
        bool periodic;
        int all;
    } cases[] = {{5, 1, false, 2}, {5, 1, true, 10}, {3, 2, false, 8}, {3, 3, false, 8}, {3, 3, true, 72}, {4, 3, true, 96}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        povm_lattice l;
        int *order;
        assert_int_equal(povm_lattice_create(cases[k].lx, cases[k].ly, cases[k].periodic, false, &l), 0);
        for (int most = 1; most <= 200; most += 3) {
            const int count = povm_lattice_orders(&l, most, &order);
            assert_int_equal(count, most < cases[k].all ? most : cases[k].all);
            for (int s = 0; s < count; s++) {
                uint32_t seen = 0;
                for (int t = 0; t < l.n; t++)
                    seen |= 1u << order[s * l.n + t];
                assert_int_equal(seen, (1u << l.n) - 1);
                for (int r = 0; r < s; r++)
                    assert_true(memcmp(order + s * l.n, order + r * l.n, (size_t)l.n * sizeof *order) != 0);
                for (int t = 1; t < l.n && !cases[k].periodic; t++) {
                    const int a = order[s * l.n + t - 1], b = order[s * l.n + t];
                    assert_int_equal(abs(a % l.lx - b % l.lx) + abs(a / l.lx - b / l.lx), 1);
                }
            }
            free(order);
        }
        povm_lattice_free(&l);
    }
}

/* ---- averages ------------------------------------------------------------------------------------------------------- */

/* Strings of a product state: known means, the variance 3^k - <O>^2 of tetra_cube, errors that are as large as the scatter of many measurements. */
static void test_look_errors(void **state)
{
    (void)state;
    enum { TIMES = 300, COUNT = 400, N = 4 };
    point x;
    povm_look *look;
    double p[POVM_OUTCOMES];
    uint8_t strings[COUNT * N];
    qn_rng rng;
    point_open(&x, 1, "N=4; hamiltonian=0.5 ZZ + 0.3 XY + 0.4 X; start=0.3, -0.5, 0.6");
    assert_int_equal(povm_look_create(&x.problem, &look), 0);
    povm_frame_product(&x.problem.frame, x.problem.start, p);
    qn_rng_seed(&rng, 9, 8, 7, 6);
    const double *r = x.problem.start;
    const struct {
        int obs;
        size_t k;
        double mean, err;
    } want[] = {{POVM_O_SX, 0, r[0], sqrt((3 - r[0] * r[0]) / N / COUNT)},
                {POVM_O_SZ_SITE, 2, r[2], sqrt((3 - r[2] * r[2]) / COUNT)},
                {POVM_O_YY, 0, r[1] * r[1], NAN},
                {POVM_O_ENERGY, 0, 0.5 * r[2] * r[2] + 0.3 * r[0] * r[1] + 0.4 * r[0], NAN},
                {POVM_O_CORR_XX, 0, 0, NAN},
                {POVM_O_CORR_ZZ, 1, 0, NAN}};
    enum { WANT = sizeof want / sizeof *want };
    double sum[WANT] = {0}, square[WANT] = {0}, claimed[WANT] = {0}, blocks[WANT] = {0};
    for (int t = 0; t < TIMES; t++) {
        for (int s = 0; s < COUNT * N; s++) {
            double u = qn_rng_uniform(&rng);
            int a = 0;
            while (a < 3 && (u -= p[a]) >= 0)
                a++;
            strings[s] = (uint8_t)a;
        }
        for (int correlated = 0; correlated < 2; correlated++) {
            povm_look_clear(look);
            povm_look_strings(look, COUNT / 4, strings, NULL, correlated);
            povm_look_strings(look, COUNT - COUNT / 4, strings + COUNT / 4 * N, NULL, correlated);
            for (size_t k = 0; k < WANT; k++) {
                const double err = povm_look_error(look, want[k].obs, want[k].k);
                (correlated ? blocks : claimed)[k] += err * err / TIMES;
            }
        }
        for (size_t k = 0; k < WANT; k++) {
            const double mean = povm_look_mean(look, want[k].obs, want[k].k);
            sum[k] += mean / TIMES;
            square[k] += mean * mean / TIMES;
        }
    }
    for (size_t k = 0; k < WANT; k++) {
        const double variance = square[k] - sum[k] * sum[k];
        assert_sigma(sum[k], sqrt(variance / TIMES), want[k].mean);
        assert_near(claimed[k] / variance, 1, 4 * sqrt(2.0 / TIMES)); /* the scatter's own error; claimed ones vary less */
        assert_near(blocks[k] / variance, 1, 4 * sqrt(2.0 / TIMES));
        if (isfinite(want[k].err))
            assert_near(sqrt(claimed[k]), want[k].err, 0.01 * want[k].err);
    }
    povm_look_destroy(look);
    point_close(&x);
}

/* Weights: the strings of one product state as those of another, E_q[(P/q) O]; equal weights change no mean. */
static void test_look_weights(void **state)
{
    (void)state;
    enum { COUNT = 40000, N = 3 };
    point x;
    povm_look *look;
    double p[POVM_OUTCOMES], q[POVM_OUTCOMES];
    const double other[3] = {0.1, 0.1, -0.2};
    uint8_t *strings = malloc(COUNT * N);
    double *weight = malloc(COUNT * sizeof *weight), before[POVM_OBSERVABLES];
    qn_rng rng;
    point_open(&x, 1, "N=3; start=0.3, -0.2, 0.1");
    assert_int_equal(povm_look_create(&x.problem, &look), 0);
    povm_frame_product(&x.problem.frame, x.problem.start, p);
    povm_frame_product(&x.problem.frame, other, q);
    qn_rng_seed(&rng, 1, 8, 7, 6);
    for (int s = 0; s < COUNT; s++) {
        weight[s] = 1;
        for (int i = 0; i < N; i++) {
            double u = qn_rng_uniform(&rng);
            int a = 0;
            while (a < 3 && (u -= q[a]) >= 0)
                a++;
            strings[s * N + i] = (uint8_t)a;
            weight[s] *= p[a] / q[a];
        }
    }
    povm_look_clear(look);
    povm_look_strings(look, COUNT, strings, weight, false);
    for (int k = 0; k < 3; k++) {
        assert_sigma(povm_look_mean(look, POVM_O_SX + k, 0), povm_look_error(look, POVM_O_SX + k, 0), x.problem.start[k]);
        assert_sigma(povm_look_mean(look, POVM_O_CORR_XX + k, 0), povm_look_error(look, POVM_O_CORR_XX + k, 0), 0);
    }
    assert_true(povm_look_ess(look) > 0.3 * COUNT && povm_look_ess(look) < 0.9 * COUNT);
    povm_look_clear(look);
    povm_look_strings(look, COUNT, strings, NULL, false);
    for (int obs = POVM_O_SX; obs <= POVM_O_CORR_ZZ; obs++)
        before[obs] = povm_look_provides(obs) ? povm_look_mean(look, obs, 0) : 0;
    for (int s = 0; s < COUNT; s++)
        weight[s] = 2.5;
    povm_look_clear(look);
    povm_look_strings(look, COUNT, strings, weight, false);
    for (int obs = POVM_O_SX; obs <= POVM_O_CORR_ZZ; obs++)
        if (povm_look_provides(obs))
            assert_near(povm_look_mean(look, obs, 0), before[obs], 1e-12);
    povm_look_destroy(look);
    point_close(&x);
    free(strings);
    free(weight);
}

/* ---- the model ------------------------------------------------------------------------------------------------------ */

static void test_model(void **state)
{
    (void)state;
    point x;
    double values[8];
    point_open(&x, 1, "N=7; task=exact_dynamics");
    assert_int_equal(povm_model.dimension(&x.p, "site", values), 7);
    assert_near(values[6], 6, 0);
    assert_int_equal(povm_model.dimension(&x.p, "distance", values), 3);
    assert_near(values[2], 3, 0);
    assert_int_equal(povm_model.dimension(&x.p, "parameter", NULL), 0);
    assert_true(povm_model.provides(&x.p, POVM_O_CORR_ZZ));
    assert_false(povm_model.provides(&x.p, POVM_O_MIN_EIGENVALUE));
    assert_false(povm_model.provides(&x.p, POVM_O_C));
    point_close(&x);
    point_open(&x, 1, "N=1; task=exact_steady");
    assert_int_equal(povm_model.dimension(&x.p, "distance", values), 0);
    assert_true(povm_model.provides(&x.p, POVM_O_GAP));
    point_close(&x);
    point_open(&x, 1, "N=4; task=steady; ansatz=product");
    assert_true(povm_model.dimension(&x.p, "parameter", NULL) >= 16);
    point_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),       cmocka_unit_test(test_names),       cmocka_unit_test(test_wrong_words), cmocka_unit_test(test_bonds),
        cmocka_unit_test(test_distances),   cmocka_unit_test(test_orders),      cmocka_unit_test(test_look_errors), cmocka_unit_test(test_look_weights),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
