/* choice_body.h -- the softmax of choice.h at one level (see levels.h). */

TARGET static void NAME(softmax)(size_t k, double *logit, double *p)
{
    for (size_t l = 0; l < POVM_LANES; l += W) {
        VD most = *(VD *)(logit + l), sum = {0};
        for (size_t a = 1; a < k; a++)
            most = NAME(vmax)(most, *(VD *)(logit + a * POVM_LANES + l));
        for (size_t a = 0; a < k; a++) {
            VD e = NAME(vexp)(*(VD *)(logit + a * POVM_LANES + l) - most);
            *(VD *)(p + a * POVM_LANES + l) = e;
            sum += e;
        }
        VD share = 1.0 / sum, shift = most + NAME(vlog)(sum);
        for (size_t a = 0; a < k; a++) {
            *(VD *)(p + a * POVM_LANES + l) *= share;
            *(VD *)(logit + a * POVM_LANES + l) -= shift;
        }
    }
}
