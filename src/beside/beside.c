/* The second thread of a worker. It is made before the walls of its process are up, and waits
 * inside them: none can be made behind them. It trusts the one who gives it jobs. */
#include "beside/beside.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

enum { STACK = 1024 * 1024 };

struct beside {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t given, done;
	beside_fn *run;
	void *of;
	ch_err failure;
	bool ready, over;
};

static void wait_for_a_job(struct beside *b)
{
	while (b->given == b->done && !b->over)
		pthread_cond_wait(&b->changed, &b->lock);
}

static void *work(void *of)
{
	struct beside *b = of;
	pthread_mutex_lock(&b->lock);
	b->ready = true;
	pthread_cond_broadcast(&b->changed);
	for (wait_for_a_job(b); !b->over; wait_for_a_job(b)) {
		uint64_t job = b->done;
		ch_err e = b->failure;
		pthread_mutex_unlock(&b->lock);
		if (!failed(e))
			e = b->run(b->of, job);
		pthread_mutex_lock(&b->lock);
		b->failure = e;
		b->done++;
		pthread_cond_broadcast(&b->changed);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* All signals are for the first thread. */
static int start(struct beside *b)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int e = pthread_attr_init(&attr);
	if (e)
		return e;
	(void)pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&b->thread, &attr, work, b);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return e;
}

ch_err beside_new(struct beside **ret_b)
{
	struct beside *b = calloc(1, sizeof(*b));
	if (!b)
		return ch_fail(CH_E_NOMEM, "a second thread", sizeof(*b));
#if defined(__GLIBC__)
	/* a heap for each thread would have to ask how many processors there are */
	(void)mallopt(M_ARENA_MAX, 1);
#endif
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_cond_init(&b->changed, NULL);
	int e = start(b);
	if (e) {
		free(b);
		return ch_fail(CH_E_NOMEM, "a second thread does not start", e);
	}
	/* what the C library does for a thread that begins is not for the walls to allow */
	pthread_mutex_lock(&b->lock);
	while (!b->ready)
		pthread_cond_wait(&b->changed, &b->lock);
	pthread_mutex_unlock(&b->lock);
	*ret_b = b;
	return CH_DONE;
}

void beside_done(struct beside **b)
{
	if (!*b)
		return;
	pthread_mutex_lock(&(*b)->lock);
	(*b)->over = true;
	pthread_cond_broadcast(&(*b)->changed);
	pthread_mutex_unlock(&(*b)->lock);
	(void)pthread_join((*b)->thread, NULL);
	(void)pthread_cond_destroy(&(*b)->changed);
	(void)pthread_mutex_destroy(&(*b)->lock);
	free(*b);
	*b = NULL;
}

void beside_begin(struct beside *b, beside_fn *run, void *of)
{
	pthread_mutex_lock(&b->lock);
	b->run = run;
	b->of = of;
	b->given = b->done = 0;
	b->failure = CH_DONE;
	pthread_mutex_unlock(&b->lock);
}

void beside_give(struct beside *b)
{
	pthread_mutex_lock(&b->lock);
	b->given++;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

ch_err beside_wait(struct beside *b, uint64_t left)
{
	pthread_mutex_lock(&b->lock);
	while (b->given - b->done > left)
		pthread_cond_wait(&b->changed, &b->lock);
	ch_err e = b->failure;
	pthread_mutex_unlock(&b->lock);
	return e;
}

uint64_t beside_left(struct beside *b)
{
	pthread_mutex_lock(&b->lock);
	uint64_t left = b->given - b->done;
	pthread_mutex_unlock(&b->lock);
	return left;
}
