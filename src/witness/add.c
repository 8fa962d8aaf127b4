/* A head is cosigned: written down first, on the disk, and only then told. Who crashes between the two
 * has cosigned a head that nobody heard of; who asks again gets 409 with its size, and goes on
 * from there. Must never sign a head that is not the last one written down. */
#include "base/log.h"
#include "witness_internal.h"

static ch_err cosign(struct witness *w, const struct witness_asked *a, int64_t now_s,
		     struct wr *ret_line)
{
	uint8_t text[CHECKPOINT_BODY_MAX + WITNESS_BODY_MAX + 64], sig[SIGNATURE_MAX];
	struct wr t = wr_of(text, sizeof(text));
	size_t n = 0;
	cosignature_text(&t, now_s, a->note.body);
	TRY(wr_done(&t));
	TRY(private_key_sign(w->private, wr_bytes(&t), sig, &n));
	if (n != NOTE_SIGNATURE_SIZE)
		return ch_fail(CH_E_INTERNAL, "a signature of another size", n);
	cosignature_line_write(ret_line, &w->key, now_s, sig);
	return wr_done(ret_line);
}

/* A head of the same size and root was written down already: its new time need not be. */
static ch_err remember(struct witness *w, const struct witness_asked *a, int64_t now_s, str line)
{
	struct witness_log *log = a->log;
	if (!log->known || log->size != a->head.size)
		TRY(state_write(w, log, a, line));
	log->known = true;
	log->size = a->head.size;
	log->root = a->head.root;
	log->cosigned_s = now_s;
	return CH_DONE;
}

static void say_conflict(const struct witness_asked *a, enum witness_count what)
{
	if (what == COUNT_FORKED)
		LOG(LOG_ALARM,
		    "a log has signed two different trees of one size: the heads are kept as "
		    "evidence",
		    log_str("origin", a->log->origin), log_u64("size", a->head.size));
	else
		LOG(LOG_WARN,
		    "a log's head came without a proof that it goes on from the last one; the "
		    "head is kept",
		    log_str("origin", a->log->origin), log_u64("size", a->head.size),
		    log_u64("last", a->log->size));
}

static void size_answer(struct witness_answer *a, const struct witness_log *log)
{
	a->type = LIT("text/x.tlog.size");
	wr_dec(&a->body, log->size);
	wr_char(&a->body, '\n');
}

static void plain_answer(struct witness_answer *a)
{
	static const str texts[WITNESS_COUNTS] = {
		[COUNT_MALFORMED] = LIT("The request is not well formed.\n"),
		[COUNT_UNSIGNED] = LIT("The log has not signed this checkpoint.\n"),
		[COUNT_UNKNOWN] = LIT("This witness does not know the log.\n"),
		[COUNT_UNPROVEN] = LIT("The proof does not show that the log has only grown.\n"),
		[COUNT_FAILED] = LIT("The witness cannot write down what it sees.\n"),
	};
	a->type = LIT("text/plain; charset=utf-8");
	wr_str(&a->body, texts[a->what]);
}

void witness_add(struct witness *w, str body, int64_t now_s, struct witness_answer *a)
{
	struct witness_asked asked = { 0 };
	a->body.n = 0;
	a->what = witness_judge(w, body, &asked);
	if (a->what == COUNT_COSIGNED) {
		ch_err e = cosign(w, &asked, now_s, &a->body);
		if (!failed(e))
			e = remember(w, &asked, now_s, wr_text(&a->body));
		if (failed(e)) {
			LOG(LOG_ERROR, "a head was not cosigned", log_err(e));
			a->what = COUNT_FAILED;
			a->body.n = 0;
			a->body.full = false;
		}
	}
	w->counts[a->what]++;
	a->status = witness_status(a->what);
	if (a->what == COUNT_FORKED || a->what == COUNT_UNPROVEN) {
		say_conflict(&asked, a->what);
		evidence_keep(w, &asked, a->what);
	}
	if (a->what == COUNT_COSIGNED)
		a->type = LIT("text/plain; charset=utf-8");
	else if (a->what == COUNT_BEHIND || a->what == COUNT_FORKED)
		size_answer(a, asked.log);
	else
		plain_answer(a);
}
