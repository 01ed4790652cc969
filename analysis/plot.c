/* plot.c -- see plot.h: runs gnuplot and puts its files down. */
#include "plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plot_drawing.h"

extern char **environ;

static int find_type(const char *output, qn_plot_type *out)
{
    static const char *const known[] = {".png", ".svg", ".pdf"};
    size_t n = strlen(output);
    for (size_t i = 0; i < 3; i++)
        if (n > 4 && !strcmp(output + n - 4, known[i]) && output[n - 5] != '/') {
            *out = (qn_plot_type)i;
            return 0;
        }
    return qn_fail(QN_ERR_INPUT, "%s: a figure is a .png, .svg or .pdf file", output);
}

int qn_plot_check(const char *output)
{
    qn_plot_type type;
    return find_type(output, &type);
}

/* What gnuplot complained of: the line that says "line N: ..." or the last one. */
static void complaint(FILE *f, char *out, size_t room)
{
    char line[512];
    bool found = false;
    out[0] = 0;
    rewind(f);
    while (!found && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *at = strstr(line, "line ");
        found = at && strstr(at, ": ") && !strstr(at, "warning");
        if (line[strspn(line, " \t^")])
            snprintf(out, room, "%s", found ? strstr(at, ": ") + 2 : line);
    }
}

static int spawn_gnuplot(FILE *in, FILE *err, int *status)
{
    char *argv[] = {"gnuplot", "-d", NULL};
    posix_spawn_file_actions_t act;
    pid_t pid;
    if (posix_spawn_file_actions_init(&act))
        return ENOMEM;
    posix_spawn_file_actions_adddup2(&act, fileno(in), 0);
    posix_spawn_file_actions_addopen(&act, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&act, fileno(err), 2);
    int code = posix_spawnp(&pid, argv[0], &act, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&act);
    if (code)
        return code;
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* Runs a script that writes to `temporary`. */
static int run_gnuplot(const char *script, const char *temporary, const char *output)
{
    static const char missing[] = "gnuplot is not here, so no figure is drawn; install gnuplot-nox (tools/install-deps does), or look with --terminal";
    FILE *in = tmpfile(), *err = tmpfile();
    struct stat st;
    char said[512] = "";
    int status = 0, code = in && err ? 0 : errno, result;
    if (!code) {
        fputs(script, in);
        if (fflush(in) || fseek(in, 0, SEEK_SET))
            code = errno;
    }
    if (code)
        result = qn_fail(QN_ERR_IO, "no temporary file for gnuplot's script: %s", strerror(code));
    else if ((code = spawn_gnuplot(in, err, &status)) == ENOENT || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
        result = qn_fail(QN_ERR_IO, missing);
    else if (code)
        result = qn_fail(QN_ERR_IO, "gnuplot could not be started: %s", strerror(code));
    else {
        complaint(err, said, sizeof said);
        if (strstr(said, "terminal type") || strstr(said, "unknown or ambiguous terminal"))
            result = qn_fail(QN_ERR_IO, "this gnuplot cannot write %s (it has no cairo); install gnuplot-nox, or look with --terminal", strrchr(output, '.'));
        else if (!WIFEXITED(status) || WEXITSTATUS(status) || stat(temporary, &st) || !st.st_size)
            result = qn_fail(QN_ERR_IO, "%s: gnuplot drew nothing%s%s", output, *said ? ": " : "", said);
        else
            result = 0;
    }
    if (in)
        fclose(in);
    if (err)
        fclose(err);
    return result;
}

static int keep_script(const char *path, const char *figure, const qn_drawing *d, qn_plot_type type, const char *body)
{
    const char *name = strrchr(figure, '/'), *own = strrchr(path, '/');
    qn_buffer head = {0};
    name = name ? name + 1 : figure;
    own = own ? own + 1 : path;
    qn_plot_terminal(d, type, name, &head);
    FILE *f = head.failed ? NULL : fopen(path, "w");
    int err = 0;
    if (!f) {
        err = qn_fail(QN_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    } else {
        fprintf(f, "# `gnuplot %s` in this folder makes %s again\n%s%s", own, name, head.text, body);
        bool bad = ferror(f) != 0;
        if (fclose(f) || bad)
            err = qn_fail(QN_ERR_IO, "%s could not be written: %s", path, strerror(errno));
    }
    qn_buffer_free(&head);
    return err;
}

int qn_plot_write(const qn_figure *f, const char *output, const qn_plot_style *style)
{
    qn_drawing d = {.f = f};
    qn_buffer body = {0}, script = {0};
    qn_plot_type type = QN_PLOT_PNG;
    int err = find_type(output, &type);
    if (err)
        return err;
    size_t stem = strlen(output) - 4;
    char *temporary = qn_format("%s.tmp-%ld", output, (long)getpid());
    char *gp = qn_format("%.*s.gp", (int)stem, output), *csv = qn_format("%.*s.csv", (int)stem, output);
    err = temporary && gp && csv ? qn_plot_body(&d, style, &body) : qn_fail(QN_ERR_NOMEM, "out of memory for the figure");
    if (!err) {
        qn_plot_terminal(&d, type, temporary, &script);
        qn_buffer_add(&script, "%sset output\n", body.text);
        err = script.failed ? qn_fail(QN_ERR_NOMEM, "out of memory for the figure") : 0;
    }
    FILE *probe = err ? NULL : fopen(temporary, "w"); /* a folder that cannot be written is said in our words */
    if (!err && !probe)
        err = qn_fail(QN_ERR_IO, "%s cannot be written: %s", output, strerror(errno));
    if (probe)
        fclose(probe);
    if (!err)
        err = run_gnuplot(script.text, temporary, output);
    if (!err && rename(temporary, output))
        err = qn_fail(QN_ERR_IO, "%s cannot be written: %s", output, strerror(errno));
    if (err && temporary)
        unlink(temporary);
    if (!err && style->keep)
        err = keep_script(gp, output, &d, type, body.text);
    if (!err && style->keep)
        err = qn_figure_table(f, csv);
    qn_drawing_free(&d);
    qn_buffer_free(&body);
    qn_buffer_free(&script);
    free(temporary);
    free(gp);
    free(csv);
    return err;
}
