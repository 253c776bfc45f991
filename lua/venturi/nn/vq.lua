--- VQ(n, width, { commitment = 0.25, decay = false, eps = 1e-5 }): vectors [.., width] to the nearest of n codes; straight-through gradient. Called with x it
-- gives the codes' vectors, their indices [..] and a loss to add. decay: codes follow the mean of what was assigned to them instead of a gradient.
-- Source: van den Oord et al. 2017, section 3; moving averages: its appendix A.1.
local vt = require "venturi"
local nn = require "venturi.nn"

local M = {}
M.VQ = nn.class "VQ"

function M.VQ:new(n, width, options)
  local opt = vt.options("VQ", { commitment = 0.25, decay = false, eps = 1e-5 }, options)
  rawset(self, "opt", opt)
  local codes = nn.init.uniform(1 / n)
  if opt.decay then
    self:buffer("codes", codes({ n, width }))
    self:buffer("counts", vt.ones(n))
    self:buffer("sums", self.codes:copy())
  else
    self:parameter("codes", { n, width }, codes)
  end
end

local function follow(self, rows, index)
  local n, decay, eps = self.codes.shape[1], self.opt.decay, self.opt.eps
  local counts, sums = vt.zeros(n), vt.zeros(n, self.codes.shape[2])
  counts = counts:index_add(index, vt.ones(index:count()), { dim = 1 })
  sums = sums:index_add(index, rows, { dim = 1 })
  self.counts:mul_(decay):add_(counts * (1 - decay))
  self.sums:mul_(decay):add_(sums * (1 - decay))
  local total = self.counts:sum()
  local smooth = (self.counts + eps) / (total + n * eps) * total
  self.codes:copy_(self.sums / smooth:unsqueeze{ dim = 2 })
end

function M.VQ:forward(x)
  local width = self.codes.shape[2]
  local rows = x:reshape{ -1, width }
  local index = vt.no_grad(function()
    local c = self.codes:detach()
    local distance = c:square():sum{ dims = { 2 } } - rows:detach():matmul(c:transpose()) * 2
    return distance:argmin{ dim = 2 }
  end)
  local q = vt.op.embedding(self.codes, index)
  if self.training and self.opt.decay then vt.no_grad(function() follow(self, rows:detach(), index) end) end
  local loss = vt.op.mse_loss(rows, q:detach()) * self.opt.commitment
  if not self.opt.decay then loss = loss + vt.op.mse_loss(q, rows:detach()) end
  local out = rows + (q - rows):detach()
  local shape = x.shape
  local y = out:reshape(shape)
  table.remove(shape)
  return y, index:reshape(shape), loss
end

return M
