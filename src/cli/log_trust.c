/* Keys of logs and witnesses, as they are named on a command line. They are public, so they may stand
 * there; all that is believed follows from them. */
#include "log_trust.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "commands.h"
#include "say.h"

void log_trust_options(struct log_trust *t, struct option_spec specs[static LOG_TRUST_OPTIONS])
{
	const struct option_spec all[LOG_TRUST_OPTIONS] = {
		{ .name = "-C", .value = &t->dir },
		{ .name = "--vkey", .value = &t->vkey },
		{ .name = "--witness", .list = &t->witness_list },
		{ .name = "--quorum", .value = &t->quorum_text },
		{ .name = "--folder", .value = &t->place.folder },
		{ .name = "--url", .value = &t->place.url },
		{ .name = "--client", .value = &t->place.client },
		{ .name = "--secret-file", .value = &t->place.secret_file },
		{ .name = "--ca-file", .value = &t->place.ca_file },
	};
	t->witness_list = wr_of(t->list_room, sizeof(t->list_room));
	for (size_t i = 0; i < LOG_TRUST_OPTIONS; i++)
		specs[i] = all[i];
}

/* The key itself, or the first line of a file. */
static ch_err key_read(str named, size_t slot, struct log_trust *t, struct note_key *ret_k)
{
	struct path path;
	str line = { 0 };
	if (!failed(vkey_read(named, ret_k)))
		return CH_DONE;
	TRY(path_of(&path, named));
	TRY(first_line_read(path.p, t->vkey_rooms[slot], sizeof(t->vkey_rooms[slot]), &line));
	return vkey_read(line, ret_k);
}

static int witnesses_read(struct log_trust *t)
{
	str left = wr_text(&t->witness_list);
	uint64_t k = 0;
	while (left.n > 0) {
		str named = str_cut(&left, ' ');
		ch_err e = t->n == LOG_WITNESSES_MAX
				   ? ch_fail(CH_E_LIMIT, "too many witnesses", t->n)
				   : key_read(named, t->n, t, &t->witnesses[t->n]);
		if (!failed(e) && t->witnesses[t->n].type != NOTE_COSIGNATURE)
			e = ch_fail(CH_E_UNSUPPORTED, "a witness's key is of type 4", 0);
		if (failed(e))
			return say_trouble("log: no verifier key of a witness", named, e);
		t->n++;
	}
	t->quorum = t->n;
	if (!t->quorum_text)
		return EXIT_YES;
	if (!str_to_u64(str_from_c(t->quorum_text), t->n, &k) || k == 0) {
		say("log: --quorum is 1 to the number of witnesses", str_from_c(t->quorum_text));
		return EXIT_USAGE;
	}
	t->quorum = (size_t)k;
	return EXIT_YES;
}

/* The authority's own, for what was not named. */
static int authority_fill(struct log_trust *t, struct path *vkey)
{
	const char *dir = t->dir ? t->dir : getenv("CHANCERY_DIR");
	ch_err e = CH_DONE;
	if (!dir)
		return EXIT_YES;
	if (!t->place.folder && !t->place.url) {
		e = path_join(&t->folder, str_from_c(dir), LIT("log"), (str){ 0 });
		t->place.folder = t->folder.p;
	}
	if (!failed(e) && !t->vkey) {
		e = path_join(vkey, str_from_c(dir), LIT("log.vkey"), (str){ 0 });
		t->vkey = vkey->p;
	}
	return failed(e) ? say_trouble("log", str_from_c(dir), e) : EXIT_YES;
}

static int log_key_read(struct log_trust *t)
{
	ch_err e = key_read(str_from_c(t->vkey), LOG_WITNESSES_MAX, t, &t->log);
	if (!failed(e) && t->log.type != NOTE_ED25519)
		e = ch_fail(CH_E_UNSUPPORTED, "a log's key is of type 1", t->log.type);
	if (failed(e))
		return say_trouble("log: no verifier key of a log", str_from_c(t->vkey), e);
	t->has_log = true;
	return EXIT_YES;
}

bool log_trust_has_place(const struct log_trust *t)
{
	return t->place.folder || t->place.url;
}

int log_trust_read(struct log_trust *t, bool needs_log, bool needs_vkey)
{
	static struct path vkey;
	int r = witnesses_read(t);
	if (r == EXIT_YES && t->place.folder && t->place.url) {
		say("log: --folder or --url, not both", (str){ 0 });
		r = EXIT_USAGE;
	}
	if (r == EXIT_YES && !t->place.client != !t->place.secret_file) {
		say("log: --client and --secret-file go together", (str){ 0 });
		r = EXIT_USAGE;
	}
	if (r == EXIT_YES)
		r = authority_fill(t, &vkey);
	if (r == EXIT_YES && needs_log && !log_trust_has_place(t)) {
		say("log: name the log: --folder, --url, -C DIR or $CHANCERY_DIR", (str){ 0 });
		r = EXIT_USAGE;
	}
	if (r == EXIT_YES && needs_vkey && !t->vkey) {
		say("log: name the log's key: --vkey, -C DIR or $CHANCERY_DIR", (str){ 0 });
		r = EXIT_USAGE;
	}
	return r == EXIT_YES && t->vkey ? log_key_read(t) : r;
}

static ch_err form_read(str text, struct log_head *ret_h)
{
	TRY(note_open(text, &ret_h->note));
	ret_h->time_s = 0;
	return checkpoint_read(ret_h->note.body, &ret_h->c);
}

ch_err log_trust_head(const struct log_trust *t, str text, struct log_head *ret_h,
		      size_t *ret_witnessed)
{
	size_t n = 0;
	TRY(t->has_log ? log_head_open(text, &t->log, ret_h) : form_read(text, ret_h));
	TRY(cosignatures_count(&ret_h->note, t->witnesses, t->n, 0, &n));
	if (n < t->quorum)
		return ch_fail(CH_E_MISSING, "too few witnesses cosigned the head", n);
	*ret_witnessed = n;
	return CH_DONE;
}
