// Transposition of LANES vectors in registers, by exchanging blocks of 1, 2, 4, ... elements, at one level; included inside kernel
// sources, once a level.
#undef LIST
#if ISA_LEVEL == 2
#define LIST(F, s) \
  F(s, 0), F(s, 1), F(s, 2), F(s, 3), F(s, 4), F(s, 5), F(s, 6), F(s, 7), F(s, 8), F(s, 9), F(s, 10), F(s, 11), F(s, 12), F(s, 13), \
      F(s, 14), F(s, 15)
#elif ISA_LEVEL == 1
#define LIST(F, s) F(s, 0), F(s, 1), F(s, 2), F(s, 3), F(s, 4), F(s, 5), F(s, 6), F(s, 7)
#else
#define LIST(F, s) F(s, 0), F(s, 1), F(s, 2), F(s, 3)
#endif
#define FIRST_OF_PAIR(s, l) (((l) & (s)) ? LANES + (l) - (s) : (l))
#define SECOND_OF_PAIR(s, l) (((l) & (s)) ? LANES + (l) : (l) + (s))
#define EXCHANGE(s)                                                          \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < LANES; i++) {       \
    if (i & (s)) continue;                                                   \
    vf a = x[i], b = x[i + (s)];                                             \
    x[i] = __builtin_shufflevector(a, b, LIST(FIRST_OF_PAIR, s));            \
    x[i + (s)] = __builtin_shufflevector(a, b, LIST(SECOND_OF_PAIR, s));     \
  }

#define transpose_square LEVEL(transpose_square)
static INLINE void transpose_square(vf x[LANES]) {
  EXCHANGE(1)
  EXCHANGE(2)
#if ISA_LEVEL >= 1
  EXCHANGE(4)
#endif
#if ISA_LEVEL >= 2
  EXCHANGE(8)
#endif
}
