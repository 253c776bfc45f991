"""Venturi from Python with ctypes: open a model, generate, read an error's text, cancel.
usage: smoke.py MODEL.gguf, with libventuri.so.0 where the loader finds it; smoke.py --sizes prints the structs it declares."""
import ctypes as c
import sys

u32, i32, i64, p = c.c_uint32, c.c_int32, c.c_int64, c.c_void_p
OK, NOT_FOUND, CANCELLED, SPECIAL = 0, -7, -11, 1


class session_options(c.Structure):
    _fields_ = [("struct_size", u32), ("flags", u32), ("n_ctx", i64), ("kv", p), ("cancel", p)]


class generate_options(c.Structure):
    _fields_ = [("struct_size", u32), ("flags", u32), ("max_tokens", i64), ("sampler", p), ("piece", p), ("piece_user", p),
                ("stops", p), ("n_stops", i64), ("out_end", p)]


if sys.argv[1:] == ["--sizes"]:
    for t in (session_options, generate_options):
        print("struct vt_%s %d" % (t.__name__, c.sizeof(t)))
    sys.exit(0)

vt = c.CDLL("libventuri.so.0")
vt.vt_error_message.restype = c.c_char_p
vt.vt_buffer_data.restype = p
vt.vt_buffer_size.restype = c.c_size_t


def call(name, *args):
    """A fallible call whose last argument is the handle that comes out."""
    out = p()
    status = getattr(vt, name)(*args, c.byref(out))
    if status != OK:
        raise RuntimeError(status, vt.vt_error_message().decode())
    return out


def take(buffer):
    """Bytes of a buffer, which is released."""
    data = c.string_at(vt.vt_buffer_data(buffer), vt.vt_buffer_size(buffer))
    vt.vt_buffer_release(buffer)
    return data


def main(path):
    context = call("vt_context_create", None)
    try:
        call("vt_model_open", context, b"/nowhere/model.gguf", None)
        sys.exit("a missing file was opened")
    except RuntimeError as e:
        status, message = e.args
        assert status == NOT_FOUND and "/nowhere/model.gguf" in message, e.args
        print("error:", message)
    model = call("vt_model_open", context, path.encode(), None)
    cancel = call("vt_cancel_create", context)
    session = call("vt_session_create", model, c.byref(session_options(c.sizeof(session_options), 0, 64, None, cancel)))
    try:
        tokenizer = call("vt_model_tokenizer", model)
        ids = take(call("vt_tokenizer_encode", tokenizer, b"The capital of France is", c.c_size_t(24), u32(SPECIAL)))
        vt.vt_tokenizer_release(tokenizer)
    except RuntimeError:  # a model for tests, without a vocabulary
        tokenizer, ids = None, bytes((i32 * 5)(1, 2, 3, 4, 5))
    tokens = (i32 * (len(ids) // 4)).from_buffer_copy(ids)
    assert vt.vt_session_feed(session, tokens, i64(len(tokens))) == OK, vt.vt_error_message()
    if tokenizer:
        options = generate_options(c.sizeof(generate_options), 0, 8)
        print("text:", take(call("vt_session_generate", session, c.byref(options))).decode())
    else:
        greedy, token = call("vt_sampler_create", context, None), i32()
        for _ in range(8):
            assert vt.vt_session_next(session, greedy, c.byref(token)) == OK, vt.vt_error_message()
            print("token:", token.value)
        vt.vt_sampler_release(greedy)
    vt.vt_cancel_raise(cancel)
    assert vt.vt_session_feed(session, tokens, i64(len(tokens))) == CANCELLED
    print("cancelled:", vt.vt_error_message().decode())
    for release, handle in ("session", session), ("cancel", cancel), ("model", model), ("context", context):
        getattr(vt, "vt_%s_release" % release)(handle)


main(sys.argv[1])
