/* What a witness remembers: of each log one file, the last checkpoint that it cosigned, with the
 * log's line and its own; named by the hash of the origin. Replaced by a rename after it was
 * synced. A file that is not what both have signed stops the witness: it must not begin again from
 * nothing where it has vouched for something. */
#include "base/file.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "witness_internal.h"

enum { UNPROVEN_KEPT = 8 };

static void name_write(str origin, const char *end, char ret_name[static STATE_NAME_MAX])
{
	uint8_t hash[SHA256_SIZE];
	struct wr w = wr_of(ret_name, STATE_NAME_MAX - 1);
	sha256(bytes_of_str(origin), hash);
	wr_hex(&w, (bytes){ hash, 16 });
	wr_str(&w, str_from_c(end));
	ret_name[w.n] = 0;
}

static ch_err head_take(struct witness_log *log, const struct witness *w, str text)
{
	struct note n;
	struct checkpoint c = { 0 };
	int64_t when_s = 0;
	TRY(note_open(text, &n));
	TRY(note_check(&n, &log->key));
	TRY(cosignature_check(&n, &w->key, &when_s));
	TRY(checkpoint_read(n.body, &c));
	if (!str_eq(c.origin, log->origin))
		return ch_fail(CH_E_MISMATCH, "what is remembered is of another log", 0);
	log->known = true;
	log->size = c.size;
	log->root = c.root;
	log->cosigned_s = when_s;
	return CH_DONE;
}

static ch_err log_take_up(struct witness *w, struct witness_log *log)
{
	static uint8_t room[STATE_MAX];
	size_t n = 0;
	ch_err e = file_read(w->state_fd, log->name, room, sizeof(room), &n);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	if (!failed(e))
		e = head_take(log, w, (str){ (const char *)room, n });
	if (failed(e))
		LOG(LOG_ALARM,
		    "what was cosigned last of a log cannot be read, or was not signed by the key "
		    "it has now: see docs/LEDGER.md",
		    log_str("origin", log->origin), log_str("file", str_from_c(log->name)),
		    log_err(e));
	return e;
}

ch_err witness_take_up(struct witness *w)
{
	for (size_t i = 0; i < w->config.n_logs; i++) {
		struct witness_log *log = &w->logs[i];
		*log = (struct witness_log){ .origin = w->config.logs[i].origin };
		merkle_empty(&log->root);
		name_write(log->origin, "", log->name);
		TRY(vkey_read(w->config.logs[i].vkey, &log->key));
		if (log->key.type != NOTE_ED25519)
			return ch_fail(CH_E_UNSUPPORTED, "a log's key of another type", i);
		TRY(log_take_up(w, log));
	}
	return CH_DONE;
}

/* The log's own line and no other: what is remembered is as long as we make it. */
static void line_copy(struct wr *w, const struct note *n, const struct note_key *k)
{
	for (size_t i = 0; i < n->n; i++) {
		if (n->lines[i].id != k->id || !str_eq(n->lines[i].name, k->name))
			continue;
		wr_lit(w, "\xe2\x80\x94 ");
		wr_str(w, n->lines[i].name);
		wr_char(w, ' ');
		wr_str(w, n->lines[i].base64);
		wr_char(w, '\n');
		return;
	}
}

ch_err state_write(struct witness *w, const struct witness_log *log, const struct witness_asked *a,
		   str line)
{
	static uint8_t room[STATE_MAX];
	struct wr t = wr_of(room, sizeof(room));
	wr_str(&t, a->note.body);
	wr_char(&t, '\n');
	line_copy(&t, &a->note, &log->key);
	wr_str(&t, line);
	TRY(wr_done(&t));
	return file_replace(w->state_fd, log->name, wr_bytes(&t), 0600);
}

/* The head that came, and the last one cosigned. Two of one size prove by themselves that the log
 * lied: the first such pair stays for good. A head whose proof is wrong may be a good one that
 * somebody sent on with a bad proof: the last few are kept. */
void evidence_keep(struct witness *w, const struct witness_asked *a, enum witness_count why)
{
	static uint8_t room[2 * STATE_MAX + 16];
	char name[STATE_NAME_MAX];
	struct wr t = wr_of(room, sizeof(room));
	size_t n = 0;
	bool fork = why == COUNT_FORKED;
	char end[] = ".unproven.0";
	end[sizeof(end) - 2] = (char)('0' + w->counts[why] % UNPROVEN_KEPT);
	name_write(a->log->origin, fork ? ".fork" : end, name);
	wr_str(&t, a->request.checkpoint);
	wr_char(&t, '\n');
	if (a->log->known &&
	    !failed(file_read(w->state_fd, a->log->name, room + t.n, sizeof(room) - t.n, &n)))
		t.n += n;
	ch_err e = fork ? file_create(w->state_fd, name, wr_bytes(&t), 0600)
			: file_replace(w->state_fd, name, wr_bytes(&t), 0600);
	if (failed(e) && ch_code_of(e) != CH_E_EXISTS)
		LOG(LOG_ERROR, "evidence cannot be kept", log_err(e));
}
