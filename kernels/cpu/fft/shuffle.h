/* Moves between lanes by the number of lanes a vector has. ZIP: a0 b0 a1 b1 ..., its two halves; EVENS and ODDS undo it. */
#ifndef VENTURI_KERNELS_FFT_SHUFFLE_H
#define VENTURI_KERNELS_FFT_SHUFFLE_H

#define ZIP_LO_16(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HI_16(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define EVENS_16(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODDS_16(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)

#define ZIP_LO_8(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HI_8(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define EVENS_8(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODDS_8(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)

#define ZIP_LO_4(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HI_4(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define EVENS_4(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6)
#define ODDS_4(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7)

#define ZIP_LO_2(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ZIP_HI_2(a, b) __builtin_shufflevector(a, b, 1, 3)
#define EVENS_2(a, b) __builtin_shufflevector(a, b, 0, 2)
#define ODDS_2(a, b) __builtin_shufflevector(a, b, 1, 3)

#define PICK_(name, lanes) name##_##lanes
#define PICK(name, lanes) PICK_(name, lanes)

#endif
