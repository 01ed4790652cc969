/* cbo_parameters.h -- parameters of engine cbo as they would stand in a sweep file, for tests. */
#ifndef CBO_PARAMETERS_H
#define CBO_PARAMETERS_H

#include "qtest.h"

#include "params.h"

/* `text`: "objective=hebbian p=4 ...", values without blanks, lists with commas; whatever is not named has its default. */
static inline void read_parameters(const qn_model *model, const char *text, qn_schema *schema, qn_params *p)
{
    char word[32], value[300];
    int used;
    assert_int_equal(qn_schema_init(schema, model), 0);
    assert_int_equal(qn_params_init(p, schema), 0);
    for (; sscanf(text, " %31[^= ]=%299s%n", word, value, &used) == 2; text += used) {
        int i = qn_schema_index(schema, word);
        if (i < 0)
            fail_msg("there is no parameter %s", word);
        qn_value_free(&p->v[i]);
        if (qn_value_parse(&schema->item[i], value, &p->v[i]))
            fail_msg("%s: %s", word, qn_error_text());
        p->v[i].given = true;
    }
}

#endif
