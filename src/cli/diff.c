/* diff.c -- `quench diff`: same numbers? same within errors? where not. */
#include "diff.h"

#include <math.h>

#include "cli.h"

static void print_row(const qn_diff_row *r)
{
    printf("%-22s %8zu %8zu  ", r->name, r->cells, r->same);
    if (r->same == r->cells)
        puts("");
    else if (!r->judged)
        printf("no errors to judge by, e.g. at %s\n", r->place);
    else if (isfinite(r->z))
        printf("%.2f standard errors at %s\n", r->z, *r->place ? r->place : "the point");
    else
        printf("differs without an error at %s\n", *r->place ? r->place : "the point");
}

int cli_diff(int argc, char **argv)
{
    bool exact = false;
    const cli_option options[] = {{"exact", 0, CLI_FLAG, &exact, NULL, "exit status 1 unless all numbers are the same to the bit"}, {0}};
    int n = cli_parse("diff", "A.h5 B.h5 [options]",
                      "Compares two results point by point.  Exit status 0 when they agree within errors (the largest difference of all\nis no larger than chance gives in one of a hundred comparisons), else 1.",
                      options, argc, argv, 2, 2);
    qn_dataset *a = NULL, *b = NULL;
    qn_diff d;
    if (n < 0)
        return CLI_PARSE_STATUS(n);
    int bad = cli_result_read(argv[0], false, &a);
    if (!bad)
        bad = cli_result_read(argv[1], false, &b);
    if (bad) {
        qn_dataset_free(a);
        return bad;
    }
    int err = qn_diff_make(a, b, &d), status;
    if (err) {
        status = cli_fail(err);
    } else {
        printf("%zu common points, %zu only in %s, %zu only in %s\n%-22s %8s %8s  %s\n", d.points, d.only_a, argv[0], d.only_b, argv[1], "observable", "numbers", "same",
               "largest difference");
        for (size_t i = 0; i < d.n; i++)
            print_row(&d.row[i]);
        if (*d.missing)
            printf("only in one file: %s\n", d.missing);
        if (d.identical)
            puts("the same numbers");
        else if (d.compatible)
            printf("the same within errors (no difference beyond %.2f standard errors)\n", d.limit);
        else
            printf("different (limit %.2f standard errors, 1 %% chance over all numbers)\n", d.limit);
        status = d.identical || (d.compatible && !exact) ? CLI_DONE : CLI_FAILED;
        qn_diff_free(&d);
    }
    qn_dataset_free(a);
    qn_dataset_free(b);
    return status;
}
