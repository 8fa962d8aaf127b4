/* The verifier of the moment, and how any thread gets it. The owner puts another in its place
 * between two reads of a reader: the flag keeps both to the few instructions that count. */
#include <sched.h>
#include <unistd.h>

#include "base/clock.h"
#include "inside.h"

static const char empty_set[] = "{\"keys\":[]}";

int64_t jwks_now_s(void)
{
	return (int64_t)(clock_mono_ns() / 1000000000);
}

ch_err verifier_with(const struct ch_jwks *j, size_t at, bytes jwks, char *why, size_t why_size,
		     struct ch_verifier **ret_v)
{
	struct ch_issuer issuers[FOLLOWED_MAX];
	int64_t now = jwks_now_s();
	for (size_t i = 0; i < j->n; i++) {
		const struct followed *f = &j->issuers[i];
		bytes live = f->live ? source_jwks(f->source, now) : (bytes){ 0 };
		bytes text = i == at ? jwks : live;
		issuers[i] = f->terms;
		issuers[i].jwks = text.n > 0 ? (const char *)text.p : empty_set;
		issuers[i].jwks_size = text.n > 0 ? text.n : sizeof(empty_set) - 1;
	}
	return ch_verifier_new(issuers, j->n, why, why_size, ret_v);
}

static void lock(struct ch_jwks *j)
{
	while (atomic_flag_test_and_set_explicit(&j->taking, memory_order_acquire))
		(void)sched_yield();
}

static void unlock(struct ch_jwks *j)
{
	atomic_flag_clear_explicit(&j->taking, memory_order_release);
}

void publish(struct ch_jwks *j, struct ch_verifier *v)
{
	lock(j);
	struct ch_verifier *old = j->verifier;
	j->verifier = v;
	unlock(j);
	atomic_fetch_add_explicit(&j->generation, 1, memory_order_release);
	ch_verifier_unref(old);
}

struct ch_verifier *ch_jwks_verifier(struct ch_jwks *j)
{
	if (!j)
		return NULL;
	lock(j);
	struct ch_verifier *v = ch_verifier_ref(j->verifier);
	unlock(j);
	return v;
}

uint64_t ch_jwks_generation(const struct ch_jwks *j)
{
	return j ? atomic_load_explicit(&j->generation, memory_order_acquire) : 0;
}

void ch_jwks_unknown_key(struct ch_jwks *j, ch_text issuer)
{
	static const uint64_t one = 1;
	for (size_t i = 0; j && i < j->n; i++) {
		if (!ch_text_is(issuer, j->issuers[i].terms.issuer))
			continue;
		/* a flood of them wakes the driver once */
		if (!atomic_exchange(&j->issuers[i].asked, true) &&
		    write(j->wake, &one, sizeof(one)) < 0)
			return; /* it is awake already */
	}
}
