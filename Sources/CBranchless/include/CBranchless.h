// What Swift cannot say: that a choice is a coin toss, so that it must not become a branch; that a number is in range, so
// that its conversion need not be checked.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Signed 128 bits; of two keys that are compared, the difference must have no more either.
typedef struct {
  uint64_t low;
  int64_t high;
} wb_key;

static inline wb_key wb_smaller(wb_key a, wb_key b) {
  uint64_t is_less = (uint64_t)((b.high - a.high - (b.low < a.low)) >> 63);
  // Says nothing, but that the compiler cannot know what comes out of it.
  __asm__("" : "+r"(is_less));
  return (wb_key){a.low ^ ((a.low ^ b.low) & is_less), a.high ^ ((a.high ^ b.high) & (int64_t)is_less)};
}

// Gives a leaf of a winner tree its key, and plays its matches up to the root: the smallest of four wins. The root is
// node 1, the children of n are 4n to 4n + 3. The others of each match are known before the winner of the last is.
static inline void wb_play(wb_key *keys, size_t leaf, wb_key winner) {
  keys[leaf] = winner;
  for (size_t node = leaf; node > 1;) {
    wb_key others = wb_smaller(wb_smaller(keys[node ^ 1], keys[node ^ 2]), keys[node ^ 3]);
    winner = wb_smaller(winner, others);
    node >>= 2;
    keys[node] = winner;
  }
}

// The nearest whole number of microseconds, halves up, within 0 and about a century; 0 of what is no number.
static inline int64_t wb_microseconds(double drawn) {
  double inside = drawn > 0 ? drawn : 0;
  inside = inside < 3.2e15 ? inside : 3.2e15;
  return (int64_t)(inside + 0.5);
}

// Without its fraction; to be given what an Int64 holds.
static inline int64_t wb_truncated(double number) { return (int64_t)number; }
