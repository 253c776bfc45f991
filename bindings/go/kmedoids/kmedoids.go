// Venturi from Go with cgo: clusters five objects around two medoids, from a matrix and from a function in C.
// usage: kmedoids; kmedoids --sizes prints the structs it uses.
package main

/*
#cgo pkg-config: venturi
#include <stdlib.h>
#include <venturi.h>

static vt_status gap(void *user, int64_t i, int64_t j, double *out) {
    const double *place = user;
    *out = place[i] < place[j] ? place[j] - place[i] : place[i] - place[j];
    return VT_OK;
}

// A function in C as a distance: calling into Go for each pair would cost more than the distance.
static vt_status from_places(vt_context *ctx, double *place, int64_t n, vt_distance **out) {
    return vt_distance_from_callback(ctx, n, gap, place, VT_DISTANCE_SYMMETRIC | VT_DISTANCE_THREAD_SAFE, out);
}
*/
import "C"

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"unsafe"
)

func must(st C.vt_status, what string) {
	if st != C.VT_OK {
		fmt.Fprintf(os.Stderr, "%s: %s\n", what, C.GoString(C.vt_error_message()))
		os.Exit(1)
	}
}

// A copy in C's memory: the library keeps the pointer, and Go's memory may not be kept by C after a call.
func inC[T any](list []T) *T {
	var element T
	p := (*T)(C.malloc(C.size_t(len(list)) * C.size_t(unsafe.Sizeof(element))))
	copy(unsafe.Slice(p, len(list)), list)
	return p
}

func words(list any) string {
	return strings.Trim(fmt.Sprint(list), "[]")
}

func printClusters(distance *C.vt_distance) {
	start := inC([]C.int64_t{0, 1})
	defer C.free(unsafe.Pointer(start))
	options := C.vt_cluster_options{struct_size: C.sizeof_vt_cluster_options, medoids: start, n_medoids: 2}
	var clustering *C.vt_clustering
	must(C.vt_cluster_kmedoids(distance, &options, &clustering), "kmedoids")
	defer C.vt_clustering_release(clustering)
	info := C.vt_clustering_info{struct_size: C.sizeof_vt_clustering_info}
	must(C.vt_clustering_get_info(clustering, &info), "info")
	medoids := unsafe.Slice(C.vt_clustering_medoids(clustering), int(info.k))
	labels := unsafe.Slice(C.vt_clustering_labels(clustering), int(info.n))
	fmt.Printf("loss: %g, medoids: %s, labels: %s\n", float64(info.loss), words(medoids), words(labels))
}

func main() {
	runtime.LockOSThread() // for the messages in must
	if len(os.Args) > 1 && os.Args[1] == "--sizes" {
		fmt.Println("struct vt_cluster_options", unsafe.Sizeof(C.vt_cluster_options{}))
		fmt.Println("struct vt_clustering_info", unsafe.Sizeof(C.vt_clustering_info{}))
		return
	}
	var ctx *C.vt_context
	must(C.vt_context_create(nil, &ctx), "context")
	defer C.vt_context_release(ctx)

	// Alive until the distances made of them are released.
	matrix := inC([]C.int64_t{0, 1, 2, 4, 7, 1, 0, 3, 5, 8, 2, 3, 0, 6, 9, 4, 5, 6, 0, 1, 7, 8, 9, 1, 0})
	defer C.free(unsafe.Pointer(matrix))
	place := inC([]C.double{1, 2, 4, 30, 31})
	defer C.free(unsafe.Pointer(place))
	bad := C.double(math.NaN())

	var distance *C.vt_distance
	must(C.vt_distance_from_matrix(ctx, unsafe.Pointer(matrix), C.VT_DTYPE_I64, 5, 0, C.VT_DISTANCE_SYMMETRIC, &distance), "matrix")
	printClusters(distance)
	C.vt_distance_release(distance)
	must(C.from_places(ctx, place, 5, &distance), "callback")
	printClusters(distance)
	C.vt_distance_release(distance)
	if st := C.vt_distance_from_matrix(ctx, unsafe.Pointer(&bad), C.VT_DTYPE_F64, 1, 0, 0, &distance); st != C.VT_ERR_NUMERIC {
		panic(fmt.Sprint("a NaN gave ", st))
	}
	fmt.Println("error:", C.GoString(C.vt_error_message()))
}
