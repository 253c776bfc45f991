//! Venturi from Rust with extern "C": open a model, generate, read an error's text, cancel.
//! usage: smoke MODEL.gguf; smoke --sizes prints the structs it declares.
use std::ffi::{c_void, CStr, CString};
use std::mem::size_of;
use std::os::raw::c_char;
use std::ptr::{null, null_mut};

type Handle = *mut c_void;

#[repr(C)]
struct SessionOptions { struct_size: u32, flags: u32, n_ctx: i64, kv: Handle, cancel: Handle }

#[repr(C)]
struct GenerateOptions {
    struct_size: u32, flags: u32, max_tokens: i64, sampler: Handle, piece: *const c_void, piece_user: *mut c_void,
    stops: *const *const c_char, n_stops: i64, out_end: *mut i32,
}

#[link(name = "venturi")]
extern "C" {
    fn vt_context_create(opt: *const c_void, out: *mut Handle) -> i32;
    fn vt_context_release(ctx: Handle);
    fn vt_error_message() -> *const c_char;
    fn vt_model_open(ctx: Handle, path: *const c_char, opt: *const c_void, out: *mut Handle) -> i32;
    fn vt_model_release(model: Handle);
    fn vt_model_tokenizer(model: Handle, out: *mut Handle) -> i32;
    fn vt_tokenizer_encode(tok: Handle, text: *const u8, len: usize, flags: u32, out: *mut Handle) -> i32;
    fn vt_tokenizer_release(tok: Handle);
    fn vt_cancel_create(ctx: Handle, out: *mut Handle) -> i32;
    fn vt_cancel_raise(cancel: Handle);
    fn vt_cancel_release(cancel: Handle);
    fn vt_sampler_create(ctx: Handle, opt: *const c_void, out: *mut Handle) -> i32;
    fn vt_sampler_release(sampler: Handle);
    fn vt_session_create(model: Handle, opt: *const SessionOptions, out: *mut Handle) -> i32;
    fn vt_session_feed(session: Handle, ids: *const i32, n: i64) -> i32;
    fn vt_session_next(session: Handle, sampler: Handle, id: *mut i32) -> i32;
    fn vt_session_generate(session: Handle, opt: *const GenerateOptions, out: *mut Handle) -> i32;
    fn vt_session_release(session: Handle);
    fn vt_buffer_data(buffer: Handle) -> *const u8;
    fn vt_buffer_size(buffer: Handle) -> usize;
    fn vt_buffer_release(buffer: Handle);
}

const NOT_FOUND: i32 = -7;
const CANCELLED: i32 = -11;
const TOKENIZE_SPECIAL: u32 = 1;

fn message() -> String { unsafe { CStr::from_ptr(vt_error_message()).to_string_lossy().into_owned() } }

/// The handle that a fallible call puts out.
fn made(call: impl FnOnce(*mut Handle) -> i32) -> Result<Handle, (i32, String)> {
    let mut out = null_mut();
    match call(&mut out) { 0 => Ok(out), status => Err((status, message())) }
}

/// Bytes of a buffer, which is released.
fn take(buffer: Handle) -> Vec<u8> {
    unsafe {
        let bytes = std::slice::from_raw_parts(vt_buffer_data(buffer), vt_buffer_size(buffer)).to_vec();
        vt_buffer_release(buffer);
        bytes
    }
}

fn main() -> Result<(), (i32, String)> {
    let path = std::env::args().nth(1).expect("usage: smoke MODEL.gguf");
    if path == "--sizes" {
        println!("struct vt_session_options {}", size_of::<SessionOptions>());
        println!("struct vt_generate_options {}", size_of::<GenerateOptions>());
        return Ok(());
    }
    unsafe {
        let ctx = made(|out| vt_context_create(null(), out))?;
        let missing = CString::new("/nowhere/model.gguf").unwrap();
        let (status, text) = made(|out| vt_model_open(ctx, missing.as_ptr(), null(), out)).unwrap_err();
        assert_eq!(status, NOT_FOUND);
        println!("error: {}", text);

        let path = CString::new(path).unwrap();
        let model = made(|out| vt_model_open(ctx, path.as_ptr(), null(), out))?;
        let cancel = made(|out| vt_cancel_create(ctx, out))?;
        let options = SessionOptions { struct_size: size_of::<SessionOptions>() as u32, flags: 0, n_ctx: 64, kv: null_mut(), cancel };
        let session = made(|out| vt_session_create(model, &options, out))?;
        let tokenizer = made(|out| vt_model_tokenizer(model, out)).ok();
        let ids: Vec<i32> = match tokenizer {
            Some(tok) => {
                let prompt = "The capital of France is";
                let raw = take(made(|out| vt_tokenizer_encode(tok, prompt.as_ptr(), prompt.len(), TOKENIZE_SPECIAL, out))?);
                raw.chunks(4).map(|b| i32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect()
            }
            None => vec![1, 2, 3, 4, 5], // a model for tests, without a vocabulary
        };
        assert_eq!(vt_session_feed(session, ids.as_ptr(), ids.len() as i64), 0, "{}", message());
        if let Some(tok) = tokenizer {
            let options = GenerateOptions { struct_size: size_of::<GenerateOptions>() as u32, flags: 0, max_tokens: 8,
                                            sampler: null_mut(), piece: null(), piece_user: null_mut(),
                                            stops: null(), n_stops: 0, out_end: null_mut() };
            println!("text: {}", String::from_utf8_lossy(&take(made(|out| vt_session_generate(session, &options, out))?)));
            vt_tokenizer_release(tok);
        } else {
            let greedy = made(|out| vt_sampler_create(ctx, null(), out))?;
            for _ in 0..8 {
                let mut id = 0;
                assert_eq!(vt_session_next(session, greedy, &mut id), 0, "{}", message());
                println!("token: {}", id);
            }
            vt_sampler_release(greedy);
        }
        vt_cancel_raise(cancel);
        assert_eq!(vt_session_feed(session, ids.as_ptr(), ids.len() as i64), CANCELLED);
        println!("cancelled: {}", message());
        vt_session_release(session);
        vt_cancel_release(cancel);
        vt_model_release(model);
        vt_context_release(ctx);
    }
    Ok(())
}
