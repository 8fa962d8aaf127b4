/* Judges tokens, a line each, by keys that are followed: rotated, removed, given up.
 *
 *   follow ISSUER JWKS-URL AUDIENCE [CA-FILE] < tokens
 *
 *   cc follow.c $(pkg-config --cflags --libs chancery-jwks) */
#include <chancery/chancery.h>
#include <chancery/jwks.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct judge {
	struct ch_jwks *keys;
	struct ch_verifier *verifier; /* the one of this generation */
	uint64_t generation;
	union ch_scratch scratch;
};

/* What a thread does for each token; this program has one thread, which also drives. */
static enum ch_reason judge_token(struct judge *j, ch_text token)
{
	struct ch_verified v;
	enum ch_reason reason;
	if (j->generation != ch_jwks_generation(j->keys)) {
		/* first the number: if it counts up meanwhile, the next token asks again */
		j->generation = ch_jwks_generation(j->keys);
		ch_verifier_unref(j->verifier);
		j->verifier = ch_jwks_verifier(j->keys);
	}
	reason = ch_verify(j->verifier, &j->scratch, token, (int64_t)time(NULL), NULL, &v);
	if (reason == CH_UNKNOWN_KEY || reason == CH_FOREIGN_KEY)
		ch_jwks_unknown_key(j->keys, ch_judged_issuer(&j->scratch));
	return reason;
}

/* The host's loop: its own descriptor, and that of the keys. */
static int serve(struct judge *j)
{
	static char line[8 * 1024 + 2];
	size_t n = 0;
	for (;;) {
		struct pollfd fds[2];
		memset(fds, 0, sizeof(fds));
		fds[0].fd = STDIN_FILENO;
		fds[1].fd = ch_jwks_fd(j->keys);
		fds[0].events = fds[1].events = POLLIN;
		if (poll(fds, 2, ch_jwks_timeout_ms(j->keys)) < 0)
			return 3;
		if (ch_failed(ch_jwks_run(j->keys)))
			return 3;
		if (!fds[0].revents)
			continue;
		while (n < sizeof(line) && read(STDIN_FILENO, line + n, 1) == 1 && line[n] != '\n')
			n++;
		if (n == 0 || n == sizeof(line) || line[n] != '\n')
			return 0;
		{
			ch_text token;
			token.p = line;
			token.n = n;
			printf("%s\n", ch_reason_name(judge_token(j, token)));
			fflush(stdout);
		}
		n = 0;
	}
}

int main(int argc, char **argv)
{
	static struct judge j;
	struct ch_jwks_issuer issuer = CH_JWKS_ISSUER_INIT;
	struct ch_jwks_options options = CH_JWKS_OPTIONS_INIT;
	char why[256];
	const char *audience;
	int status;
	ch_err e;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: follow ISSUER JWKS-URL AUDIENCE [CA-FILE] < tokens\n");
		return 2;
	}
	audience = argv[3];
	issuer.issuer.issuer = argv[1];
	issuer.issuer.realm = "example";
	issuer.issuer.audiences = &audience;
	issuer.issuer.n_audiences = 1;
	issuer.url = argv[2];
	options.ca_file = argc == 5 ? argv[4] : NULL;
	/* much shorter than you would choose: this one is there to be watched */
	options.fresh_min_s = options.fresh_max_s = options.fresh_default_s = 1;
	options.cooldown_s = options.retry_min_s = options.retry_max_s = 1;
	options.timeout_s = 2;
	options.stale_s = 5;
	e = ch_jwks_new(&issuer, 1, &options, why, sizeof(why), &j.keys);
	if (ch_failed(e)) {
		fprintf(stderr, "%s (%s)\n", why, ch_code_name(ch_code_of(e)));
		return 3;
	}
	e = ch_scratch_init(&j.scratch);
	if (ch_failed(e))
		return 3;
	if (ch_failed(ch_jwks_wait(j.keys, 5000))) {
		struct ch_jwks_state state = CH_JWKS_STATE_INIT;
		if (!ch_failed(ch_jwks_state_of(j.keys, argv[1], &state)) && ch_failed(state.last))
			fprintf(stderr, "no keys yet: %s\n", state.last.site->what);
	}
	status = serve(&j);
	ch_scratch_done(&j.scratch);
	ch_verifier_unref(j.verifier);
	ch_jwks_free(j.keys);
	return status;
}
