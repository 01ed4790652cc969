/* source.h -- the data of nets with hidden layers: what `data:` says, the files it needs, and the points of one task.
 *
 *   stripe, sign       Gaussian inputs, y from x_1 alone: +1 inside -0.3 < x_1 < 1.18549 (equal classes), or sign(x_1)   [2301.13703, its code]
 *   boundary:CHI       the perceptron's data (population.h)
 *   teacher:linear     y = w.x/sqrt(d), w ~ N(0, I)
 *   teacher:relu:K     y = sum_i s_i relu(w_i.x/sqrt(d)) 2/sqrt(K), s_i = +1, -1, ... in turn
 *   quadratic          y = (beta.x)^2/(2 d), |beta|^2 = d: with x/sqrt(d) for x that of 2310.06110
 *   clusters:C[:linear|xor|parity]  C = 2^k conditions: vertices of a k-cube along k random directions of length `separation` sqrt(d/k), and
 *                      noise N(0, noise^2) in every input; y from bits: the first, the first two, all                     [2401.13558]
 *   mnist:parity       pixel/255 x 3.0; y = +1 even, -1 odd
 *   cifar10:animal     pixel/255 x 1.87; y = -1 for 0, 1, 8, 9 (vehicles), +1 for the rest (animals)
 *   NAME:A[/B]         NAME mnist, fashion, cifar10 or idx: lists of labels, "0,1,2/3,4"; +1 for those of A, -1 for those of B (absent: the rest),
 *                      others are left out.  fashion: pixel/255 x 2.2, idx: in units of the root mean square pixel.
 *
 * Real labels become their sign where the loss is one of classification.  Images of all files are pooled; a task draws its P training points
 * without replacement, and its test points from the rest. */
#ifndef SGD_SOURCE_H
#define SGD_SOURCE_H

#include "points.h"
#include "quench.h"

typedef enum {
    SGD_DATA_STRIPE, SGD_DATA_SIGN, SGD_DATA_BOUNDARY, SGD_DATA_TEACHER_LINEAR, SGD_DATA_TEACHER_RELU, SGD_DATA_QUADRATIC,
    SGD_DATA_CLUSTERS, SGD_DATA_IMAGES
} sgd_data_kind;
typedef enum { SGD_CUBE_LINEAR, SGD_CUBE_XOR, SGD_CUBE_PARITY } sgd_cube;

typedef struct sgd_source {
    sgd_data_kind kind;
    double chi;             /* boundary */
    size_t k;               /* teacher:relu: units; clusters: conditions */
    sgd_cube cube;
    int8_t side[256];       /* images: of each label, +1, -1, or 0: left out */
    bool cifar;
    double gray;            /* images: value of the brightest pixel; 0: such that the mean square is 1 */
} sgd_source;

/* QN_ERR_INPUT with what would be right. */
int sgd_source_parse(const char *text, sgd_source *out) QN_NODISCARD;
bool sgd_source_real(const sgd_source *s);      /* labels are real numbers, not +-1 */
size_t sgd_source_teachers(const sgd_source *s);/* directions that decide y; 0: not known */

/* ---- files ---- */

typedef struct sgd_files {
    size_t n, d;            /* images that are on a side, pixels */
    uint8_t *bytes;         /* [n][d] */
    int8_t *side;           /* [n] */
    double unit;            /* value of one grey step */
} sgd_files;

/* `images`, `labels` and, where given, `test_images`, `test_labels`.  On an error *param (may be NULL) is the parameter to point at. */
int sgd_files_load(const qn_params *p, const sgd_source *s, sgd_files *x, const char **param) QN_NODISCARD;
void sgd_files_free(sgd_files *x);
/* Numbers of images and pixels, remembered for as long as the files stay as they are. */
int sgd_files_size(const qn_params *p, const sgd_source *s, size_t *n, size_t *d, const char **param) QN_NODISCARD;

/* ---- points of one task ---- */

typedef struct sgd_data {
    sgd_points train, test;
    size_t teachers;
    double *teacher;        /* [teachers][d] orthonormal directions that decide y */
    double *beta;           /* quadratic: [d], |beta|^2 = d */
    size_t conditions;      /* clusters */
    uint32_t *condition[2]; /* of the training and of the test points */
    int8_t *dichotomy;      /* [conditions] */
} sgd_data;

typedef struct sgd_draw {   /* how many, of what */
    size_t d, p, tests;
    bool classes;           /* labels become their sign */
    double separation, noise;
    double bias;            /* 0: none; a constant input after the d others */
} sgd_draw;

/* Inputs from the stream SGD_STREAM_DATA of the disorder, teachers from SGD_STREAM_TEACHER.  x is left safe to free. */
int sgd_data_draw(sgd_data *x, const sgd_source *s, const sgd_draw *how, const sgd_files *files, const qn_streams *streams) QN_NODISCARD;
void sgd_data_free(sgd_data *x);

#endif
