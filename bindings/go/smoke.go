// Venturi from Go with cgo: open a model, generate, read an error's text, cancel.
// usage: smoke MODEL.gguf; smoke --sizes prints the structs it uses.
package main

/*
#cgo pkg-config: venturi
#include <stdlib.h>
#include <venturi.h>

// A goroutine may move to another thread between two calls, and messages belong to threads: status and message leave C together.
static vt_status open_model(vt_context *ctx, const char *path, vt_model **out, const char **message) {
    vt_status st = vt_model_open(ctx, path, NULL, out);
    *message = vt_error_message();
    return st;
}
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

func must(st C.vt_status, what string) {
	if st != C.VT_OK {
		fmt.Fprintf(os.Stderr, "%s: %s\n", what, C.GoString(C.vt_error_message()))
		os.Exit(1)
	}
}

func take(b *C.vt_buffer) []byte {
	defer C.vt_buffer_release(b)
	return C.GoBytes(C.vt_buffer_data(b), C.int(C.vt_buffer_size(b)))
}

func main() {
	runtime.LockOSThread() // for the messages in must
	session_options := C.vt_session_options{struct_size: C.sizeof_vt_session_options, n_ctx: 64}
	generate_options := C.vt_generate_options{struct_size: C.sizeof_vt_generate_options, max_tokens: 8}
	if os.Args[1] == "--sizes" {
		fmt.Println("struct vt_session_options", unsafe.Sizeof(session_options))
		fmt.Println("struct vt_generate_options", unsafe.Sizeof(generate_options))
		return
	}
	var ctx *C.vt_context
	must(C.vt_context_create(nil, &ctx), "context")
	defer C.vt_context_release(ctx)

	var model *C.vt_model
	var message *C.char
	missing, path := C.CString("/nowhere/model.gguf"), C.CString(os.Args[1])
	defer C.free(unsafe.Pointer(missing))
	defer C.free(unsafe.Pointer(path))
	if st := C.open_model(ctx, missing, &model, &message); st != C.VT_ERR_NOT_FOUND {
		panic(fmt.Sprint("a missing file gave ", st))
	}
	fmt.Println("error:", C.GoString(message))
	must(C.open_model(ctx, path, &model, &message), "model")
	defer C.vt_model_release(model)

	var cancel *C.vt_cancel
	must(C.vt_cancel_create(ctx, &cancel), "cancel")
	defer C.vt_cancel_release(cancel)
	session_options.cancel = cancel
	var session *C.vt_session
	must(C.vt_session_create(model, &session_options, &session), "session")
	defer C.vt_session_release(session)

	ids := []C.int32_t{1, 2, 3, 4, 5} // for a model without a vocabulary
	var tokenizer *C.vt_tokenizer
	if C.vt_model_tokenizer(model, &tokenizer) == C.VT_OK {
		defer C.vt_tokenizer_release(tokenizer)
		prompt := C.CString("The capital of France is")
		defer C.free(unsafe.Pointer(prompt))
		var b *C.vt_buffer
		must(C.vt_tokenizer_encode(tokenizer, prompt, 24, C.VT_TOKENIZE_SPECIAL, &b), "encode")
		raw := take(b)
		ids = append([]C.int32_t{}, unsafe.Slice((*C.int32_t)(unsafe.Pointer(&raw[0])), len(raw)/4)...)
	}
	must(C.vt_session_feed(session, &ids[0], C.int64_t(len(ids))), "feed")
	if tokenizer != nil {
		var text *C.vt_buffer
		must(C.vt_session_generate(session, &generate_options, &text), "generate")
		fmt.Println("text:", string(take(text)))
	} else {
		var greedy *C.vt_sampler
		must(C.vt_sampler_create(ctx, nil, &greedy), "sampler")
		defer C.vt_sampler_release(greedy)
		for i := 0; i < 8; i++ {
			var id C.int32_t
			must(C.vt_session_next(session, greedy, &id), "next")
			fmt.Println("token:", id)
		}
	}
	C.vt_cancel_raise(cancel)
	if st := C.vt_session_feed(session, &ids[0], C.int64_t(len(ids))); st != C.VT_ERR_CANCELLED {
		panic(fmt.Sprint("a cancelled feed gave ", st))
	}
	fmt.Println("cancelled:", C.GoString(C.vt_error_message()))
}
