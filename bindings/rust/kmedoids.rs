//! Venturi from Rust with extern "C": clusters five objects around two medoids, from a matrix and from a Rust function.
//! usage: kmedoids; kmedoids --sizes prints the structs it declares.
use std::ffi::{c_void, CStr};
use std::mem::size_of;
use std::os::raw::c_char;
use std::ptr::{null, null_mut};

type Handle = *mut c_void;

#[repr(C)]
struct ClusterOptions {
    struct_size: u32, flags: u32, method: i32, init: i32, k: i64, k_min: i64, max_iter: i64, seed: u64, medoids: *const i64, n_medoids: i64,
    weights: *const f64, sample_size: i64, n_samples: i64, n_local: i64, rate: f64, cancel: Handle, progress: *const c_void, progress_user: *mut c_void,
}

#[repr(C)]
struct ClusteringInfo {
    struct_size: u32, dtype: i32, n: i64, k: i64, n_iter: i64, n_swap: i64, loss: f64, integer_loss: i64, silhouette: f64, dim: i64,
}

type DistanceFn = extern "C" fn(*mut c_void, i64, i64, *mut f64) -> i32;

#[link(name = "venturi")]
extern "C" {
    fn vt_context_create(opt: *const c_void, out: *mut Handle) -> i32;
    fn vt_context_release(ctx: Handle);
    fn vt_error_message() -> *const c_char;
    fn vt_distance_from_matrix(ctx: Handle, data: *const c_void, dtype: i32, n: i64, stride: i64, flags: u32, out: *mut Handle) -> i32;
    fn vt_distance_from_callback(ctx: Handle, n: i64, f: DistanceFn, user: *mut c_void, flags: u32, out: *mut Handle) -> i32;
    fn vt_distance_release(distance: Handle);
    fn vt_cluster_kmedoids(distance: Handle, opt: *const ClusterOptions, out: *mut Handle) -> i32;
    fn vt_clustering_get_info(clustering: Handle, out: *mut ClusteringInfo) -> i32;
    fn vt_clustering_medoids(clustering: Handle) -> *const i64;
    fn vt_clustering_labels(clustering: Handle) -> *const i32;
    fn vt_clustering_release(clustering: Handle);
}

const NUMERIC: i32 = -12;
const I64: i32 = 27;
const F64: i32 = 28;
const SYMMETRIC: u32 = 1;

fn message() -> String { unsafe { CStr::from_ptr(vt_error_message()).to_string_lossy().into_owned() } }

/// The handle that a fallible call puts out.
fn made(call: impl FnOnce(*mut Handle) -> i32) -> Result<Handle, (i32, String)> {
    let mut out = null_mut();
    match call(&mut out) { 0 => Ok(out), status => Err((status, message())) }
}

fn words<T: ToString>(list: &[T]) -> String { list.iter().map(T::to_string).collect::<Vec<_>>().join(" ") }

extern "C" fn gap(user: *mut c_void, i: i64, j: i64, out: *mut f64) -> i32 {
    unsafe {
        let place = &*(user as *const [f64; 5]);
        *out = (place[i as usize] - place[j as usize]).abs();
    }
    0
}

fn print_clusters(distance: Handle) -> Result<(), (i32, String)> {
    let start = [0i64, 1];
    let options = ClusterOptions {
        struct_size: size_of::<ClusterOptions>() as u32, flags: 0, method: 0, init: 0, k: 0, k_min: 0, max_iter: 0, seed: 0, medoids: start.as_ptr(), n_medoids: 2,
        weights: null(), sample_size: 0, n_samples: 0, n_local: 0, rate: 0.0, cancel: null_mut(), progress: null(), progress_user: null_mut(),
    };
    let mut info = ClusteringInfo {
        struct_size: size_of::<ClusteringInfo>() as u32, dtype: 0, n: 0, k: 0, n_iter: 0, n_swap: 0, loss: 0.0, integer_loss: 0, silhouette: 0.0, dim: 0,
    };
    unsafe {
        let clustering = made(|out| vt_cluster_kmedoids(distance, &options, out))?;
        assert_eq!(vt_clustering_get_info(clustering, &mut info), 0, "{}", message());
        let medoids = std::slice::from_raw_parts(vt_clustering_medoids(clustering), info.k as usize);
        let labels = std::slice::from_raw_parts(vt_clustering_labels(clustering), info.n as usize);
        println!("loss: {}, medoids: {}, labels: {}", info.loss, words(medoids), words(labels));
        vt_clustering_release(clustering);
        vt_distance_release(distance);
    }
    Ok(())
}

fn main() -> Result<(), (i32, String)> {
    if std::env::args().nth(1).as_deref() == Some("--sizes") {
        println!("struct vt_cluster_options {}", size_of::<ClusterOptions>());
        println!("struct vt_clustering_info {}", size_of::<ClusteringInfo>());
        return Ok(());
    }
    // The library looks at these until the distance is released.
    let matrix: [i64; 25] = [0, 1, 2, 4, 7, 1, 0, 3, 5, 8, 2, 3, 0, 6, 9, 4, 5, 6, 0, 1, 7, 8, 9, 1, 0];
    let mut place: [f64; 5] = [1.0, 2.0, 4.0, 30.0, 31.0];
    let bad = [f64::NAN];
    unsafe {
        let ctx = made(|out| vt_context_create(null(), out))?;
        print_clusters(made(|out| vt_distance_from_matrix(ctx, matrix.as_ptr().cast(), I64, 5, 0, SYMMETRIC, out))?)?;
        print_clusters(made(|out| vt_distance_from_callback(ctx, 5, gap, place.as_mut_ptr().cast(), SYMMETRIC, out))?)?;
        let (status, text) = made(|out| vt_distance_from_matrix(ctx, bad.as_ptr().cast(), F64, 1, 0, 0, out)).unwrap_err();
        assert_eq!(status, NUMERIC);
        println!("error: {}", text);
        vt_context_release(ctx);
    }
    Ok(())
}
