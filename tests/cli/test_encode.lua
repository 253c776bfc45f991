-- venturi encode: each form of output, and what it refuses.
local shell = require "shell"
local t = require "support"
local tiny_encoder = require "tiny_encoder"
local vt = require "venturi"
local expect, run = shell.expect, shell.run

local dense, sparse = tiny_encoder.write(t.folder(), false), tiny_encoder.write(t.folder(), true)

t.test("vectors are lines, JSON or a NumPy array", function()
  local lines = expect(run("encode", dense, "a cat", "dogs"), 0).out
  local first = lines:match("^[^\n]*")
  t.equal(select(2, first:gsub("%S+", "")), 8)
  local object = vt.json.decode(expect(run("encode", "--json", dense, "a cat", "dogs"), 0).out)
  t.equal({ object.schema, object.kind, object.dim, #object.vectors, object.texts[2] }, { 1, "dense", 8, 2, "dogs" })
  local array = vt.npy(expect(run("encode", "--npy", dense, "a cat", "dogs"), 0).out)
  t.equal({ array.dtype, array.shape[1], array.shape[2] }, { "f32", 2, 8 })
  t.equal(("<f"):unpack(array.data), object.vectors[1][1])
end)

t.test("texts come from a file or stdin, one a line", function()
  local path = shell.home .. "/texts"
  t.write(path, "a cat\r\n\ndogs")
  t.equal(#vt.json.decode(expect(run("encode", "--json", dense, "-f", path), 0).out).texts, 3)
  t.equal(vt.json.decode(expect(shell.sh(("printf 'a\\nb\\n' | \"$V\" encode --json %s"):format(dense)), 0).out).texts, { "a", "b" })
  expect(run("encode", dense, "a", "-f", path), 2, nil, "either")
  expect(run("encode", dense), 2, nil, "no text")
end)

t.test("similarities are a matrix or the nearest", function()
  local object = vt.json.decode(expect(run("encode", "--json", "--similarity", dense, "a cat", "dogs", "a cat"), 0).out)
  assert(math.abs(object.similarity[1][3] - 1) < 1e-6 and object.similarity[1][2] == object.similarity[2][1])
  expect(run("encode", "--similarity", "--top", "1", dense, "a cat", "dogs", "a cat"), 0, "1.0000  [2] a cat")
  expect(run("encode", "--similarity", "--int8", sparse, "a cat", "dogs"), 0, " 1.0000")
end)

t.test("terms have weights, largest first", function()
  local object = vt.json.decode(expect(run("encode", "--json", "--top", "3", sparse, "a cat"), 0).out)
  t.equal({ object.kind, #object.terms[1] <= 3 }, { "sparse", true })
  t.equal(object.terms[1][1].term, tiny_encoder.pieces[object.terms[1][1].id + 1])
  expect(run("encode", sparse, "a cat"), 0, object.terms[1][1].term .. ":")
end)

t.test("options that would do nothing are refused", function()
  expect(run("encode", dense, "a", "--top", "3"), 2, nil, "--top")
  expect(run("encode", sparse, "a", "--npy"), 2, nil, "dense")
  expect(run("encode", sparse, "a", "--raw"), 2, nil, "dense")
  expect(run("encode", dense, "a", "--npy", "--json"), 2, nil, "excludes")
  expect(run("encode", "/no/such", "a"), 3, nil, "no such model")
  expect(run("encode", arg[0], "a"), 4, nil, "GGUF")
end)

t.done()
