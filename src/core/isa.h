/* isa.h -- the instruction set that kernels use: the best this CPU has, or what QUENCH_ISA asks (base, avx2, avx512). */
#ifndef QN_ISA_H
#define QN_ISA_H

typedef enum { QN_ISA_BASE, QN_ISA_AVX2, QN_ISA_AVX512 } qn_isa_level;

qn_isa_level qn_isa(void);              /* resolved once; QUENCH_ISA can only lower what the CPU has */
const char *qn_isa_name(qn_isa_level l);
int qn_isa_check(void);                 /* QN_ERR_INPUT when QUENCH_ISA is none of the names, or asks for more than there is */

#endif
