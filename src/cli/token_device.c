/* A login on another device (RFC 8628): shows where to go and what to type, and asks until
 * somebody has answered, no oftener than the issuer says. What it shows is the issuer's, so
 * it is shown as text and nothing else. Must not outlive Ctrl-C, nor the code. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/form.h"
#include "say.h"
#include "token_flow.h"
#include "token_qr.h"

enum { FORM_ROOM = 8192, INTERVAL_S = 5, INTERVAL_MAX_S = 300, LIFE_MAX_S = 3600 };

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
	stopped = number;
}

struct wait {
	str device_code, user_code, uri, uri_complete;
	int64_t interval_s, life_s;
};

static struct wr form_room(struct flow *f)
{
	void *p = arena_alloc(&f->arena, FORM_ROOM);
	return wr_of(p, p ? FORM_ROOM : 0);
}

static int64_t number(struct flow *f, str name, int64_t otherwise, int64_t max)
{
	const struct json_node *n = json_member(f->nodes, name);
	int64_t v = 0;
	if (!n || failed(json_to_int(n, &v)) || v < 1)
		return otherwise;
	return v < max ? v : max;
}

static int begin(struct flow *f, struct wait *w)
{
	struct fetch_answer a = { 0 };
	struct wr form = form_room(f);
	if (!f->device_endpoint.p || !flow_safe(f->device_endpoint)) {
		say("this issuer knows no login on another device", f->issuer);
		return EXIT_NO;
	}
	if (f->scope.p)
		form_write(&form, LIT("scope"), f->scope);
	ch_err e = flow_post(f, f->device_endpoint, &form, &a);
	if (failed(e))
		return say_trouble("cannot ask", f->device_endpoint, e);
	if (a.status != 200)
		return flow_refused(f, &a);
	if (flow_json(f, a.body)) {
		w->device_code = flow_member(f, LIT("device_code"));
		w->user_code = flow_member(f, LIT("user_code"));
		w->uri = flow_member(f, LIT("verification_uri"));
		w->uri_complete = flow_member(f, LIT("verification_uri_complete"));
		w->interval_s = number(f, LIT("interval"), INTERVAL_S, INTERVAL_MAX_S);
		w->life_s = number(f, LIT("expires_in"), 1, LIFE_MAX_S);
	}
	if (w->device_code.p && w->user_code.p && flow_safe(w->uri))
		return EXIT_YES;
	say("the issuer answers what it should not", f->device_endpoint);
	return EXIT_TROUBLE;
}

/* A terminal obeys what is no plain text. */
static void line(str untrusted)
{
	char shown[512];
	struct wr w = wr_of(shown, sizeof(shown));
	for (size_t i = 0; i < untrusted.n && w.n < sizeof(shown); i++)
		if (untrusted.p[i] > ' ' && untrusted.p[i] <= '~')
			wr_char(&w, untrusted.p[i]);
	(void)fprintf(stderr, "  %.*s\n", (int)w.n, shown);
}

static void show(const struct wait *w)
{
	(void)fprintf(stderr, "chancery: with any browser, open\n");
	line(w->uri);
	(void)fprintf(stderr, "and type this code\n");
	line(w->user_code);
	if (w->uri_complete.p) {
		(void)fprintf(stderr, "or open both in one\n");
		line(w->uri_complete);
		qr_show(w->uri_complete);
	}
	(void)fprintf(stderr, "It is good for %lld minutes. Waiting; Ctrl-C gives up.\n",
		      (long long)(w->life_s + 59) / 60);
}

static void sleep_s(int64_t s)
{
	struct timespec left = { .tv_sec = s };
	while (!stopped && nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

/* Nobody has answered yet, or this answer was lost? Sets how long to wait then. */
static bool goes_on(struct flow *f, ch_err e, const struct fetch_answer *a, struct wait *w)
{
	str error = { 0 };
	/* RFC 8628 section 3.5: who was not answered asks less often */
	bool lost = ch_code_of(e) == CH_E_GONE || ch_code_of(e) == CH_E_BUSY ||
		    (!failed(e) && (a->status >= 500 || a->status == 429));
	if (!lost && failed(e))
		return false;
	if (!lost && flow_json(f, a->body))
		error = flow_member(f, LIT("error"));
	if (lost || str_eq(error, LIT("slow_down")))
		w->interval_s += w->interval_s < INTERVAL_MAX_S ? INTERVAL_S : 0;
	return lost || str_eq(error, LIT("slow_down")) ||
	       str_eq(error, LIT("authorization_pending"));
}

static int poll_until(struct flow *f, struct wait *w, str *ret_body)
{
	const uint64_t start = clock_mono_ns(), life_ns = (uint64_t)w->life_s * 1000000000;
	const size_t used = f->arena.used;
	struct fetch_answer a = { 0 };
	while (clock_mono_ns() - start < life_ns) {
		sleep_s(w->interval_s);
		if (stopped)
			return EXIT_NO;
		f->arena.used = used;
		struct wr form = form_room(f);
		form_write(&form, LIT("grant_type"),
			   LIT("urn:ietf:params:oauth:grant-type:device_code"));
		form_write(&form, LIT("device_code"), w->device_code);
		ch_err e = flow_post(f, f->token_endpoint, &form, &a);
		if (!failed(e) && a.status == 200) {
			*ret_body = str_of_bytes(a.body);
			return EXIT_YES;
		}
		if (goes_on(f, e, &a, w))
			continue;
		return failed(e) ? say_trouble("cannot ask", f->token_endpoint, e)
				 : flow_refused(f, &a);
	}
	say("nobody has answered in time", (str){ 0 });
	return EXIT_NO;
}

int flow_device(struct flow *f, str *ret_body)
{
	const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction old[COUNT_OF(numbers)], stop = { .sa_handler = on_stop };
	struct wait w = { 0 };
	int r = begin(f, &w);
	if (r != EXIT_YES)
		return r;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		(void)sigaction(numbers[i], &stop, &old[i]);
		/* who started us in the background wants it to stay so */
		if (old[i].sa_handler == SIG_IGN)
			(void)sigaction(numbers[i], &old[i], NULL);
	}
	show(&w);
	r = poll_until(f, &w, ret_body);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		(void)sigaction(numbers[i], &old[i], NULL);
	if (stopped) {
		(void)fprintf(stderr, "\nchancery: given up: the code is of no use to anybody\n");
		(void)raise(stopped);
	}
	return r;
}
