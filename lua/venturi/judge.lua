--- Judges of pictures: saved nets that name what a picture shows, say its words, and give features to compare pictures by. A file is a graph with three
-- results (logits of names, logits of words, features) for pictures [n, 3, h, w] of floats in [0, 1] on white; what they mean lies beside it as JSON.
-- models/emoji-judge.graph is one; scripts/recipes/train/emoji_judge.lua makes such files.
--
--     local judge = vt.judge("models/emoji-judge.graph")
--     local seen = judge:look(x)               x: [n, 3, 32, 32], f32 in [0, 1] or u8
--     seen.names [n, names], seen.words [n, words]: probabilities; seen.features [n, width]
--     judge:tell(x, { names = 5, words = 5 })  for each picture { names = { { name, code, p } ... }, words = { { word, p } ... } }, the likeliest first
--     judge:ranks(x, { "red heart", ... })     for each picture how many names are likelier than this one: 0 is the first
--     judge:read(bytes)                        a PNG or JPEG file as one picture [1, 3, 32, 32], all there, the rest white
local vt = require "venturi"

local Judge = {}
Judge.__index = Judge

local function bad(file, what) vt.fail("VT_ERR_FORMAT", ("judge: %s.json %s"):format(file, what)) end

-- Extents are few and small, names are texts: what comes of them is asked for in tensors.
local function check(file, facts)
  if type(facts) ~= "table" or facts.kind ~= "venturi judge of pictures" then bad(file, "is not of a judge") end
  if facts.version ~= 1 then vt.fail("VT_ERR_UNSUPPORTED", ("judge: %s.json has version %s, this release reads 1"):format(file, tostring(facts.version))) end
  for i = 1, 4 do
    local n = type(facts.input) == "table" and facts.input[i]
    if math.type(n) ~= "integer" or n < 1 or n > 4096 then bad(file, "has no extents of pictures") end
  end
  if facts.input[2] ~= 3 then bad(file, "is of pictures without three colours") end
  for _, key in ipairs{ "names", "words" } do
    if type(facts[key]) ~= "table" or #facts[key] < 1 then bad(file, "has no " .. key) end
  end
  for _, it in ipairs(facts.names) do
    if type(it) ~= "table" or type(it.name) ~= "string" or type(it.code) ~= "string" then bad(file, "has a name without text") end
  end
  for _, word in ipairs(facts.words) do
    if type(word) ~= "string" then bad(file, "has a word that is no text") end
  end
  return facts
end

local function facts_of(path)
  local name = path:match("^(.*)%.graph$") or vt.fail("VT_ERR_INVALID", ("judge: %s does not end in .graph"):format(path))
  local file, message = io.open(name .. ".json", "rb")
  if not file then vt.fail("VT_ERR_NOT_FOUND", "judge: " .. message) end
  local text = file:read("a")
  file:close()
  return check(name, vt.json.decode(text))
end

--- judge(path): path of the graph.
local function open(path)
  local self = setmetatable({ facts = facts_of(path), graph = vt.open_graph(path), place = {} }, Judge)
  self.names, self.words, self.input = self.facts.names, self.facts.words, self.facts.input
  for i, it in ipairs(self.names) do
    self.place[it.name] = self.place[it.name] or i - 1
    self.place[it.code] = self.place[it.code] or i - 1
  end
  return self
end

-- Pictures as the graph takes them, checked.
local function pictures(self, x)
  local want = self.input
  if not vt.is_tensor(x) or x.ndim ~= 4 or x.shape[1] < 1 or x.shape[2] ~= want[2] or x.shape[3] ~= want[3] or x.shape[4] ~= want[4] then
    vt.fail("VT_ERR_SHAPE", ("judge: pictures are [n, %d, %d, %d]%s"):format(want[2], want[3], want[4],
      vt.is_tensor(x) and (", got [" .. table.concat(x.shape, ", ") .. "]") or ""))
  end
  if x.dtype == "u8" then return x:cast("f32") / 255 end
  return x:detach():cast("f32")
end

--- Probabilities of names (they sum to 1) and of words (each by itself), and features, of pictures.
function Judge:look(x)
  return vt.no_grad(function()
    x = pictures(self, x)
    local n, step, lists = x.shape[1], self.input[1], { {}, {}, {} }
    for first = 1, n, step do
      local part = x[{ { first, math.min(first + step - 1, n) } }]:copy()
      local missing = step - part.shape[1]
      if missing > 0 then part = part:pad{ pads = { 0, 0, 0, 0, 0, 0, 0, missing } } end -- a graph has one batch size
      local results = { self.graph:run(part) }
      if #results ~= 3 or results[1].shape[2] ~= #self.names or results[2].shape[2] ~= #self.words then
        vt.fail("VT_ERR_FORMAT", ("judge: the graph's results are not %d names, %d words and features"):format(#self.names, #self.words))
      end
      for k, result in ipairs(results) do
        lists[k][#lists[k] + 1] = missing > 0 and result[{ { 1, step - missing } }]:copy() or result
      end
    end
    local names, words, features = vt.op.cat(lists[1], { dim = 1 }), vt.op.cat(lists[2], { dim = 1 }), vt.op.cat(lists[3], { dim = 1 })
    return { names = names:softmax{ dim = 2 }, words = words:sigmoid(), features = features }
  end)
end

-- The k largest of each row, as lists of { place from 0, number }.
local function largest(rows, k)
  local values, places = rows:topk{ k = math.min(k, rows.shape[2]), dim = 2 }
  values, places = values:totable(), places:totable()
  return function(i, j) return places[i][j], values[i][j] end, math.min(k, rows.shape[2])
end

--- What each picture is, in words.
function Judge:tell(x, options)
  local opt = vt.options("judge.tell", { names = 5, words = 5 }, options)
  for _, key in ipairs{ "names", "words" } do
    if math.type(opt[key]) ~= "integer" or opt[key] < 1 then error(("judge.tell: '%s' must be a positive integer"):format(key), 2) end
  end
  local seen, list = self:look(x), {}
  local name_at, n_names = largest(seen.names, opt.names)
  local word_at, n_words = largest(seen.words, opt.words)
  for i = 1, seen.names.shape[1] do
    local one = { names = {}, words = {} }
    for j = 1, n_names do
      local place, p = name_at(i, j)
      one.names[j] = { name = self.names[place + 1].name, code = self.names[place + 1].code, p = p }
    end
    for j = 1, n_words do
      local place, p = word_at(i, j)
      one.words[j] = { word = self.words[place + 1], p = p }
    end
    list[i] = one
  end
  return list
end

--- How many names are likelier than the one that each picture was drawn for: 0 where it is the first. Names, or codes such as "1F42F".
function Judge:ranks(x, names)
  local places = {}
  for i, name in ipairs(names) do
    places[i] = self.place[name] or vt.fail("VT_ERR_NOT_FOUND", ("judge: it knows no '%s'"):format(tostring(name)))
  end
  local p = self:look(x).names
  if #places ~= p.shape[1] then vt.fail("VT_ERR_SHAPE", ("judge: %d names for %d pictures"):format(#places, p.shape[1])) end
  local own = p:gather(vt.tensor(places, { dtype = "i64" }):reshape{ -1, 1 }, { dim = 2 })
  return p:gt(own):cast("i64"):sum{ dims = { 2 } }:totable()
end

--- A picture file as the judge takes it.
function Judge:read(bytes)
  local image = vt.image(bytes)
  local height, width = self.input[3], self.input[4]
  local scale = math.min(width / image.width, height / image.height)
  local w, h = math.max(1, (image.width * scale + 0.5) // 1 | 0), math.max(1, (image.height * scale + 0.5) // 1 | 0)
  local x = vt.from_string(image:resize{ width = w, height = h, dtype = "f32" }, "f32", { h, w, 3 }):permute({ 3, 1, 2 }):copy()
  local left, top = (width - w) // 2, (height - h) // 2
  return x:pad{ pads = { left, width - w - left, top, height - h - top }, value = 1 }:reshape{ 1, 3, height, width }
end

return open
