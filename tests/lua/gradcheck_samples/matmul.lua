--- Products.
local function plain(shape) return { shape = shape } end
local function across(shape) return { shape = shape, layout = "transposed" } end
local function strided(shape) return { shape = shape, layout = "strided" } end

return {
  matmul = {
    { inputs = { plain{ 2, 3 }, plain{ 3, 4 } } },
    { inputs = { across{ 2, 1, 2, 3 }, plain{ 3, 3, 2 } } },
    { inputs = { plain{ 1, 3 }, across{ 2, 3, 2 } } },
  },
  linear = {
    { inputs = { plain{ 2, 3 }, plain{ 4, 3 }, plain{ 4 } } },
    { inputs = { across{ 2, 2, 3 }, across{ 4, 3 } } },
    { inputs = { plain{ 3 }, plain{ 2, 3 }, plain{ 2 } } },
  },
  dot = {
    { inputs = { plain{ 4 }, plain{ 4 } } },
    { inputs = { strided{ 3 }, plain{ 3 } } },
    { inputs = { plain{ 1 }, strided{ 1 } } },
  },
  outer = {
    { inputs = { plain{ 4 }, plain{ 2 } } },
    { inputs = { strided{ 3 }, plain{ 3 } } },
    { inputs = { plain{ 1 }, strided{ 2 } } },
  },
  einsum = {
    { inputs = { { list = { plain{ 2, 3 }, plain{ 3, 4 } } } }, attrs = { equation = "ij,jk->ik" } },
    { inputs = { { list = { across{ 2, 2, 3 }, plain{ 2, 3, 2 } } } }, attrs = { equation = "bik,bkj->bij" } },
    { inputs = { { list = { plain{ 3, 2 } } } }, attrs = { equation = "ij->j" } },
    { inputs = { { list = { plain{ 2 }, plain{ 3 }, plain{ 2, 3 } } } }, attrs = { equation = "i,j,ij->" } },
    { inputs = { { list = { across{ 3, 3, 2 }, plain{ 1, 3 }, plain{ 2, 3 } } } }, attrs = { equation = "iij,...i,...k->...jk" } },
  },
}
