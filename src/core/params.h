/* params.h -- typed parameter tables: a schema (the model's table plus what it declared), values, their canonical text. */
#ifndef QN_PARAMS_H
#define QN_PARAMS_H

#include "quench.h"

typedef struct qn_schema {
    size_t n;
    qn_param *item;      /* copies of the descriptions; strings of declared ones are owned, see n_table */
    size_t n_table;      /* the first n_table come from the model's table */
} qn_schema;

typedef struct qn_value {
    bool set, given;     /* has a value; the user gave it */
    int64_t i;           /* QN_INT, QN_BOOL (0/1), QN_CHOICE (index) */
    double r;            /* QN_REAL; also of QN_INT */
    char *text;          /* QN_TEXT, QN_PATH; QN_CHOICE: the name */
    double *list;
    size_t n_list;
} qn_value;

struct qn_params {
    const qn_schema *schema;
    qn_value *v; /* [schema->n] */
};

int qn_schema_init(qn_schema *s, const qn_model *model) QN_NODISCARD;
void qn_schema_free(qn_schema *s);
int qn_schema_index(const qn_schema *s, const char *name); /* -1 when absent */
/* Adds a real parameter named in the text of parameter `found_in`; required, not disorder. Known names of type real are fine. */
int qn_schema_declare(qn_schema *s, const char *name, const char *found_in) QN_NODISCARD;

/* Text of a sweep file to a value.  On failure the sentence says what would be right (type, range, nearest choice) and
 * nothing is allocated.  Lists take "a, b, c". */
int qn_value_parse(const qn_param *p, const char *text, qn_value *out) QN_NODISCARD;
int qn_value_check(const qn_param *p, double x); /* range; QN_ERR_INPUT with a sentence */
int qn_value_copy(const qn_value *from, qn_value *to) QN_NODISCARD;
void qn_value_free(qn_value *v);
/* Canonical text, allocated: equal values have equal text whatever way they were written.  NULL when memory is out. */
char *qn_value_text(const qn_param *p, const qn_value *v);
bool qn_value_numeric(const qn_param *p); /* int or real: can be a numeric axis */

/* The range of p for people: "0 < T <= 10". */
void qn_param_range(const qn_param *p, char out[128]);
/* Splits "a|b|c": copies entry i into out; false when there are not that many. */
bool qn_choice_name(const char *choices, size_t i, char out[64]);

int qn_params_init(qn_params *p, const qn_schema *s) QN_NODISCARD; /* defaults */
void qn_params_free(qn_params *p);

#endif
