// Loads and stores of a row's last vector, at one level; included inside kernel sources, once a level. A loop calls its inlined body with
// the constant LANES for whole vectors and with what is left for the last.

#define v_load_some LEVEL(v_load_some)
static INLINE vf v_load_some(const float *p, int64_t count) { return count == LANES ? v_load(p) : v_load_part(p, count); }

#define v_store_some LEVEL(v_store_some)
static INLINE void v_store_some(float *p, vf x, int64_t count) {
  if (count == LANES)
    v_store(p, x);
  else
    v_store_part(p, x, count);
}

/// Runs a statement for `i` = first, first + LANES, ... with `n` the lanes present (a constant but in the last round).
#undef EACH_VECTOR
#define EACH_VECTOR(first, end, ...)                         \
  do {                                                       \
    int64_t i = (first), last = (end);                       \
    for (; i + LANES <= last; i += LANES) {                  \
      const int64_t n = LANES;                               \
      __VA_ARGS__;                                           \
    }                                                        \
    if (i < last) {                                          \
      const int64_t n = last - i;                            \
      __VA_ARGS__;                                           \
    }                                                        \
  } while (0)

/// The lanes at and beyond `count` become `value`.
#define v_fill_rest LEVEL(v_fill_rest)
static INLINE vf v_fill_rest(vf x, int64_t count, float value) {
  if (count == LANES) return x;
  vi lane;
  for (int l = 0; l < LANES; l++) lane[l] = l;
  return v_select(lane < (int32_t)count, x, v_set(value));
}
