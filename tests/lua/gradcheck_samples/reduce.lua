--- Reductions.
return {
  sum = {
    { inputs = { { shape = { 2, 3 } } } },
    { inputs = { { shape = { 2, 3, 2 }, layout = "transposed" } }, attrs = { dims = { 1, 3 } } },
    { inputs = { { shape = { 2, 3 } } }, attrs = { dims = -1, keepdim = true } },
  },
}
