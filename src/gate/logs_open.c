/* The logs of a policy, made from its texts. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "logs.h"

static struct kept_tile kept[LOGS_MAX][LOGS_TILES_KEPT];

static ch_err open_witnesses(struct log_source *s)
{
	for (size_t i = 0; i < s->of->n_witnesses; i++) {
		struct note_key k;
		TRY(vkey_read(s->of->witnesses[i], &k));
		TRY(note_key_make(k.name, NOTE_COSIGNATURE, k.key, &k));
		TRY(tail_witness(&s->tail, &k));
	}
	return CH_DONE;
}

static int64_t max_ttl_of(const struct gate_config *c, str log)
{
	uint32_t most = 0;
	for (size_t i = 0; i < c->n_issuers; i++)
		if (str_eq(c->issuers[i].log, log) && c->issuers[i].max_ttl_s > most)
			most = c->issuers[i].max_ttl_s;
	return most;
}

static ch_err open_one(struct logs *l, struct log_source *s, const struct gate_log *of)
{
	struct note_key key;
	s->of = of;
	s->socket = s->store.dir_fd = -1;
	s->opened_ns = clock_mono_ns();
	TRY(vkey_read(of->vkey, &key));
	TRY(live_new(LOGS_LIVE_MAX, &s->live));
	tail_init(&s->tail, &key, max_ttl_of(l->config, of->name), s->live);
	TRY(open_witnesses(s));
	if (of->uri.n == 0)
		return logs_local_open(l, s);
	logs_url_open(s);
	return CH_DONE;
}

/* At the fetcher they stand behind key sets and revocations. */
static uint16_t first_number(const struct gate_config *c)
{
	uint16_t n = 0;
	for (size_t i = 0; i < c->n_issuers; i++) {
		n = (uint16_t)(n + (c->issuers[i].jwks_uri.n > 0));
		n = (uint16_t)(n + (c->issuers[i].revocations.uri.n > 0));
	}
	return n;
}

static void give_to_issuers(struct logs *l)
{
	for (size_t i = 0; i < l->config->n_issuers; i++) {
		const struct gate_issuer *g = &l->config->issuers[i];
		for (size_t k = 0; k < l->n; k++)
			if (str_eq(l->sources[k].of->name, g->log))
				l->of_issuer[i] = &l->sources[k];
		if (!l->of_issuer[i])
			LOG(LOG_WARN,
			    "tokens of this issuer are not held against a log: who has its key "
			    "opens all; give it `log` in the policy, and the log under `logs`",
			    log_str("realm", g->realm), log_str("issuer", g->issuer));
	}
}

ch_err logs_open(struct logs *l, const struct gate_config *config, int control, int fetcher)
{
	uint16_t number = first_number(config);
	mem_zero(l, sizeof(*l));
	l->config = config;
	l->wake = -1;
	l->control = control;
	l->fetcher = fetcher;
	for (size_t i = 0; i < config->n_logs; i++) {
		struct log_source *s = &l->sources[l->n++];
		TRY(open_one(l, s, &config->logs[i]));
		s->kept = kept[i];
		if (s->of->uri.n > 0)
			s->number = number++;
	}
	give_to_issuers(l);
	return CH_DONE;
}

void logs_done(struct logs *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct log_source *s = &l->sources[i];
		logs_local_close(s);
		tail_done(&s->tail);
		live_done(&s->live);
	}
	fd_close(&l->wake);
}
