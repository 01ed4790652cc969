/* report_figure.c -- one figure of a report: built as `plot` builds it, drawn as SVG, embedded in base64 so that the page is one file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figure.h"
#include "plot.h"
#include "report_parts.h"

/* RFC 4648. */
static void base64(qn_buffer *b, const unsigned char *x, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char out[4 * 256 + 1];
    size_t k = 0;
    for (size_t i = 0; i < n; i += 3) {
        unsigned w = (unsigned)x[i] << 16 | (i + 1 < n ? (unsigned)x[i + 1] << 8 : 0) | (i + 2 < n ? x[i + 2] : 0);
        out[k++] = digit[w >> 18];
        out[k++] = digit[w >> 12 & 63];
        out[k++] = i + 1 < n ? digit[w >> 6 & 63] : '=';
        out[k++] = i + 2 < n ? digit[w & 63] : '=';
        if (k == sizeof out - 1 || i + 3 >= n) {
            out[k] = 0;
            qn_buffer_add(b, "%s", out);
            k = 0;
        }
    }
}

static int read_all(const char *path, unsigned char **out, size_t *n)
{
    FILE *f = fopen(path, "rb");
    long size = -1;
    *out = NULL;
    if (f && !fseek(f, 0, SEEK_END) && (size = ftell(f)) >= 0 && !fseek(f, 0, SEEK_SET) && (*out = malloc((size_t)size + 1)))
        *n = fread(*out, 1, (size_t)size, f);
    bool bad = !*out || *n != (size_t)size;
    if (f)
        fclose(f);
    if (!bad)
        return 0;
    free(*out);
    return qn_fail(QN_ERR_IO, "a figure of the report could not be read again: %s", strerror(errno));
}

/* The condition that fixes axis r of the selection at its middle value, allocated. */
static char *fix(const qn_selection *s, size_t r)
{
    char value[96];
    const qn_range *x = &s->range[r];
    if (!x->coordinate)
        return NULL;
    qn_cell_text(x->coordinate, x->index[x->n / 2], 17, value, sizeof value);
    return qn_format("%s=%s", x->name, value);
}

#define FEW_LINES 6 /* an axis of no more values is better seen as lines than as a coarse side of a map */

/* Lines along the longest axis where the other one is short. */
static void prefer_lines(qn_figure_request *f, const qn_selection *s, const qn_var *v)
{
    const qn_range *longest = NULL, *other = NULL;
    size_t live = 0;
    for (size_t r = 0; r < s->n_axes; r++)
        if (s->range[r].n > 1) {
            const qn_range *x = &s->range[r];
            live++;
            if (!longest || x->n > longest->n) {
                other = longest;
                longest = x;
            } else {
                other = x;
            }
        }
    if (live != 2 || v->rank != s->n_axes || other->n > FEW_LINES)
        return;
    f->lines = true;
    f->x = longest->name;
}

/* Builds the figure; where it has too many axes, the slowest are fixed at their middle values, one after the other: where[*n_where] grows. */
static int build(qn_figure_request *f, const qn_selection *s, char **fixed, size_t *n_fixed, const char **where, qn_figure *out)
{
    size_t r = 0;
    for (;;) {
        int err = qn_figure_build(f, out);
        while (err == QN_ERR_INPUT && r < s->n_axes && s->range[r].n < 2)
            r++;
        if (err != QN_ERR_INPUT || r + 1 >= s->n_axes)
            return err;
        qn_figure_free(out);
        if (!(fixed[*n_fixed] = fix(s, r++)))
            return err;
        where[f->n_where++] = fixed[(*n_fixed)++];
        f->where = where;
    }
}

static void caption(qn_buffer *b, const qn_dataset *d, const qn_var *v, size_t n, char *const *fixed)
{
    const char *meaning = qn_attr_text(d, v, "long_name");
    qn_buffer_add(b, "<figcaption><b>");
    qn_report_text(b, v->name);
    qn_buffer_add(b, "</b>%s", meaning ? ": " : "");
    qn_report_text(b, meaning ? meaning : "");
    for (size_t i = 0; i < n; i++) {
        qn_buffer_add(b, i ? ", " : "; at ");
        qn_report_text(b, fixed[i]);
    }
    qn_buffer_add(b, "</figcaption></figure>\n");
}

static int embed(qn_buffer *b, const qn_figure *f, const qn_var *v)
{
    const char *base = getenv("TMPDIR");
    char *place = qn_format("%s/quench-report-XXXXXX", base && *base ? base : "/tmp");
    unsigned char *svg = NULL;
    size_t n = 0;
    if (!place || !mkdtemp(place)) {
        int err = qn_fail(QN_ERR_IO, "no temporary folder for a figure: %s", strerror(errno));
        free(place);
        return err;
    }
    char *file = qn_format("%s/figure.svg", place);
    qn_plot_style style = {0};
    int err = file ? qn_plot_write(f, file, &style) : qn_fail(QN_ERR_NOMEM, "out of memory for the report");
    if (!err)
        err = read_all(file, &svg, &n);
    if (!err) {
        qn_buffer_add(b, "<figure><img alt=\"");
        qn_report_text(b, v->name);
        qn_buffer_add(b, "\" src=\"data:image/svg+xml;base64,");
        base64(b, svg, n);
        qn_buffer_add(b, "\">\n");
        free(svg);
    }
    if (file)
        unlink(file);
    rmdir(place);
    free(file);
    free(place);
    return err;
}

int qn_report_figure(qn_buffer *b, const qn_report_request *q, size_t file, const qn_selection *s, const qn_var *v, size_t *count)
{
    const qn_dataset *d = q->file[file].data;
    qn_figure_overlay *over = calloc(q->n_overlays + 1, sizeof *over);
    const char **where = calloc(q->n_where + s->n_axes + 1, sizeof *where);
    char **fixed = calloc(s->n_axes + 1, sizeof *fixed);
    size_t n_fixed = 0;
    qn_figure f = {0};
    int err = over && where && fixed ? 0 : qn_fail(QN_ERR_NOMEM, "out of memory for the report");
    for (size_t i = 0; i < q->n_overlays && !err; i++)
        over[i] = (qn_figure_overlay){.data = q->overlay[i].data, .path = q->overlay[i].path};
    for (size_t i = 0; i < q->n_where && !err; i++)
        where[i] = q->where[i];
    qn_figure_request r = {.data = d, .path = q->file[file].path, .observable = v->name, .overlay = over, .n_overlays = q->n_overlays, .where = where, .n_where = q->n_where};
    prefer_lines(&r, s, v);
    if (!err)
        err = build(&r, s, fixed, &n_fixed, where, &f);
    if (!err)
        err = embed(b, &f, v);
    if (!err) {
        caption(b, d, v, n_fixed, fixed);
        ++*count;
    } else if (err == QN_ERR_INPUT) { /* cannot be drawn: said, and the numbers are in the table */
        if (q->say)
            q->say(q->ctx, qn_error_text());
        err = 0;
    }
    qn_figure_free(&f);
    for (size_t i = 0; i < n_fixed; i++)
        free(fixed[i]);
    free(fixed);
    free(where);
    free(over);
    return err;
}
