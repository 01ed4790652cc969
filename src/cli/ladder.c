/* ladder.c -- `quench ladder`: values for a tempering ladder, out of the exchange rates of one that was run. */
#include "ladder.h"

#include "cli.h"

#define FEW_EXCHANGES 0.05 /* below, a rate says only that the values are too far apart */

static void print(const qn_ladder_choice *c)
{
    printf("# barrier %.3g; about %.2f of the exchanges between these %zu values are accepted\n%s: [", c->barrier, c->rate > 0 ? c->rate : 0, c->n, c->axis);
    for (size_t i = 0; i < c->n; i++)
        printf("%s%.*g", i ? ", " : "", i == 0 || i + 1 == c->n ? 15 : 5, c->value[i]);
    printf("]\n");
}

int cli_ladder(int argc, char **argv)
{
    int64_t points = 0;
    cli_texts where = {0};
    const cli_option options[] = {
        {"points", 0, CLI_COUNT, &points, "N", "how many values (as many as make half of the exchanges accepted)"},
        {"where", 0, CLI_TEXTS, &where, "NAME=VALUE", "by these points of the other axes only; also NAME=V1,V2 and NAME=LOW:HIGH"},
        {0},
    };
    int n = cli_parse("ladder", "OUT.h5 [options]",
                      "Values for a tempering ladder between whose neighbours exchanges are equally often accepted, out of the rates that a\n"
                      "ladder between the same ends has measured.  The line stands under `sweep:`.",
                      options, argc, argv, 1, 1);
    int status = n < 0 ? CLI_PARSE_STATUS(n) : 0;
    qn_dataset *d = NULL;
    if (n > 0 && !status && !(status = cli_result_read(argv[0], false, &d))) {
        qn_ladder_choice c;
        if (qn_ladder_choose(d, where.item, where.n, (size_t)points, &c)) {
            status = cli_fail_input();
        } else {
            print(&c);
            if (c.lowest < FEW_EXCHANGES)
                cli_say("the lowest rate measured is %.2g, too few exchanges to place values there; run this ladder and choose again", c.lowest);
            qn_ladder_choice_free(&c);
        }
        qn_dataset_free(d);
    }
    cli_texts_free(&where);
    return status;
}
