/* Memory by who asked for it: bytes that are booked on the account which the thread has set, until they are given back on whatever thread. Scripts have one
 * each, so that their limit holds for the numbers of their tensors too. */
#ifndef VENTURI_CORE_ACCOUNT_H
#define VENTURI_CORE_ACCOUNT_H

#include "venturi/types.h"

typedef struct vt__account vt__account;
/* May `bytes` more be had? It may give memory back before it answers, and is asked only on a thread that has set the account. */
typedef int (*vt__account_fits_fn)(void *user, uint64_t bytes);

vt_status vt__account_create(vt_context *ctx, vt__account_fits_fn fits, void *user, vt__account **out);
void vt__account_release(vt__account *account);
uint64_t vt__account_used(const vt__account *account);
/* This thread's account from now on, borrowed; NULL: none, as at first. Answers the one before. */
vt__account *vt__account_set(vt__account *account);

/* Books bytes on this thread's account: *out is the account, to be given to vt__account_give with the same bytes, or NULL where there is none.
 * NOMEM naming what they are for. */
vt_status vt__account_take(const char *what, size_t bytes, vt__account **out);
void vt__account_give(vt__account *account, size_t bytes); /* NULL is fine */

#endif
