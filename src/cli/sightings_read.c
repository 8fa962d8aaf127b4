/* The two chains of a folder of sightings: listed, verified, erased. Reads beside a running
 * gate, which holds the lock; erases beside it, too, but for the file that it writes. */
#include "sightings_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "chain_text.h"
#include "codec/json.h"
#include "say.h"
#include "token/codes.h"

/* One chain, and the sighting that it would give next. */
struct stream {
	struct chain_cursor cursor;
	const char *name;
	bool open, has;
	uint64_t lost;
	struct chain_record record;
	struct sighting s;
	struct sighting_repeats r; /* .more 0: a verdict, not its repeats */
};

static uint8_t rooms[SIGHTINGS_CHAINS][CHAIN_ROOM_MAX];

/* Chain i of the folder; its path is put into *room. */
static ch_err ref_of(const struct sightings_wish *w, size_t i, struct path *room,
		     struct chain_ref *ret_ref)
{
	TRY(path_join(room, str_from_c(w->folder), str_from_c(sighting_folder[i]), (str){ 0 }));
	*ret_ref = (struct chain_ref){ AT_FDCWD, room->p, sighting_purpose[i], rooms[i],
				       sizeof(rooms[i]) };
	return CH_DONE;
}

static int trouble(const struct sightings_wish *w, ch_err e)
{
	return say_trouble("sightings: cannot read", str_from_c(w->folder), e);
}

/* --- listing --- */

static void stream_done(struct stream *s)
{
	if (s->open)
		cursor_close(&s->cursor);
	s->open = false;
}

static bool wanted(const struct sightings_wish *w, const struct stream *s)
{
	return s->record.time_ms >= w->since_ms &&
	       (!w->has_identity || mem_eq(s->s.identity, w->identity, SIGHTING_ID));
}

/* On to the next sighting that is asked for. */
static ch_err advance(const struct sightings_wish *w, struct stream *s)
{
	s->has = false;
	for (bool got = true; got;) {
		TRY(cursor_next(&s->cursor, &s->record, &got));
		struct rd lost = rd_of(s->record.payload);
		if (got && s->record.type == SIGHTING_LOST)
			s->lost += rd_u64(&lost);
		bool repeats = s->record.type == SIGHTING_REPEATS;
		if (!got || (s->record.type != SIGHTING_VERDICT && !repeats))
			continue;
		s->r = (struct sighting_repeats){ 0 };
		TRY(repeats ? sighting_repeats_read(s->record.payload, &s->r, &s->s)
			    : sighting_read(s->record.payload, &s->s));
		s->has = wanted(w, s);
		if (s->has)
			break;
	}
	return CH_DONE;
}

static ch_err begin(const struct sightings_wish *w, size_t i, struct stream *s)
{
	struct path path;
	struct chain_ref ref;
	s->name = sighting_folder[i];
	TRY(ref_of(w, i, &path, &ref));
	TRY(cursor_open(&s->cursor, &ref, CHAIN_OLDEST));
	s->open = true;
	return advance(w, s);
}

static str code_name(uint8_t code)
{
	return code < TOKEN_CODE_COUNT ? token_code_name((enum token_code)code) : LIT("unknown");
}

static str client_text(const struct sighting *s, uint8_t room[static 64])
{
	struct wr w = wr_of(room, 64);
	address_print(&w, &s->client);
	return wr_text(&w);
}

static str identity_text(const struct sighting *s, uint8_t room[static 64])
{
	struct wr w = wr_of(room, 64);
	wr_hex(&w, BYTES_OF(s->identity));
	return wr_text(&w);
}

static void put_json(const struct stream *s, bool first)
{
	uint8_t room[4096], client[64], identity[64];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_int(&o, LIT("time_ms"), s->record.time_ms);
	json_put_str(&o, LIT("code"), code_name(s->s.code));
	json_put_str(&o, LIT("location"), s->s.location);
	json_put_str(&o, LIT("client"), client_text(&s->s, client));
	json_put_str(&o, LIT("issuer"), s->s.issuer);
	json_put_str(&o, LIT("realm"), s->s.realm);
	json_put_str(&o, LIT("kid"), s->s.kid);
	json_put_str(&o, LIT("identity"), identity_text(&s->s, identity));
	json_put_str(&o, LIT("chain"), str_from_c(s->name));
	json_put_int(&o, LIT("seq"), (int64_t)s->record.seq);
	json_put_int(&o, LIT("repeats"), (int64_t)s->r.more);
	if (s->r.more > 0) {
		json_put_int(&o, LIT("first_ms"), s->r.first_ms);
		json_put_int(&o, LIT("last_ms"), s->r.last_ms);
	}
	json_finish(&o, '}');
	(void)printf("%s%.*s", first ? "" : ",\n ", (int)w.n, (const char *)w.p);
}

/* A field more: so many of this followed the line before with the same fields. */
static void put_repeats(const struct sighting_repeats *r)
{
	(void)printf("+%" PRIu64 ", ", r->more);
	print_time(r->first_ms);
	(void)printf(" to ");
	print_time(r->last_ms);
	(void)putchar('\n');
}

static void put_line(const struct stream *s)
{
	uint8_t client[64], identity[64];
	print_time(s->record.time_ms);
	(void)putchar('\t');
	print_field(code_name(s->s.code), '\t');
	print_field(s->s.location, '\t');
	print_field(client_text(&s->s, client), '\t');
	print_field(s->s.realm, '\t');
	print_field(s->s.kid, '\t');
	print_field(identity_text(&s->s, identity), s->r.more > 0 ? '\t' : '\n');
	if (s->r.more > 0)
		put_repeats(&s->r);
}

/* The stream whose next sighting is the older one; NULL: there is none. */
static struct stream *older_of(struct stream streams[static SIGHTINGS_CHAINS])
{
	struct stream *found = NULL;
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++)
		if (streams[i].has && (!found || streams[i].record.time_ms < found->record.time_ms))
			found = &streams[i];
	return found;
}

static int broken_off(const struct sightings_wish *w, const struct stream *s, ch_err e)
{
	if (ch_code_of(e) == CH_E_MISMATCH) {
		(void)say_damage("sightings", w->folder, s->name, &s->cursor.fault, e);
		return EXIT_TROUBLE;
	}
	return trouble(w, e);
}

static int list_all(const struct sightings_wish *w, struct stream streams[static SIGHTINGS_CHAINS],
		    uint64_t *ret_n)
{
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		ch_err e = begin(w, i, &streams[i]);
		if (failed(e))
			return broken_off(w, &streams[i], e);
	}
	for (struct stream *s = older_of(streams); s; s = older_of(streams)) {
		if (w->json)
			put_json(s, *ret_n == 0);
		else
			put_line(s);
		++*ret_n;
		ch_err e = advance(w, s);
		if (failed(e))
			return broken_off(w, s, e);
	}
	return EXIT_YES;
}

int sightings_list(const struct sightings_wish *w)
{
	static struct stream streams[SIGHTINGS_CHAINS];
	uint64_t n = 0;
	if (w->json)
		(void)putchar('[');
	int status = list_all(w, streams, &n);
	if (w->json)
		(void)puts("]");
	uint64_t lost = 0;
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		lost += streams[i].lost;
		stream_done(&streams[i]);
	}
	if (lost > 0)
		(void)fprintf(stderr,
			      "chancery: sightings: %" PRIu64
			      " more verdicts could not be recorded, says the gate\n",
			      lost);
	return status == EXIT_YES && w->has_identity && n == 0 ? EXIT_NO : status;
}

/* --- verifying --- */

static void put_report_json(struct json_out *o, const char *name, const struct chain_report *r)
{
	uint8_t hex[64];
	struct wr w = wr_of(hex, sizeof(hex));
	wr_hex(&w, BYTES_OF(r->head.hash));
	json_begin(o, (str){ 0 }, '{');
	json_put_str(o, LIT("chain"), str_from_c(name));
	json_put_int(o, LIT("records"), (int64_t)r->records);
	json_put_int(o, LIT("first"), (int64_t)r->first_seq);
	json_put_int(o, LIT("next"), (int64_t)r->next_seq);
	json_put_str(o, LIT("hash"), wr_text(&w));
	json_put_int(o, LIT("first_ms"), r->first_ms);
	json_put_int(o, LIT("last_ms"), r->last_ms);
	json_put_int(o, LIT("files"), (int64_t)r->segments);
	json_put_int(o, LIT("bytes"), (int64_t)r->bytes);
	json_put_int(o, LIT("torn_bytes"), (int64_t)r->torn_bytes);
	json_finish(o, '}');
}

static void put_report(const char *name, const struct chain_report *r)
{
	(void)printf("%s\t%" PRIu64 " records from number %" PRIu64 ", %" PRIu64 " files, %" PRIu64
		     " bytes",
		     name, r->records, r->first_seq, r->segments, r->bytes);
	if (r->records > 0) {
		(void)printf(", ");
		print_time(r->first_ms);
		(void)printf(" to ");
		print_time(r->last_ms);
	}
	(void)printf("\n--head %s=", name);
	print_head(&r->head);
	(void)putchar('\n');
	if (r->torn_bytes > 0)
		(void)fprintf(stderr,
			      "chancery: sightings: %s ends within a write (%" PRIu64
			      " bytes): a gate is at it, or one was killed\n",
			      name, r->torn_bytes);
}

static int verify_one(const struct sightings_wish *w, size_t i, struct json_out *o)
{
	struct chain_report r = { 0 };
	struct chain_ref ref;
	struct path path;
	ch_err e = ref_of(w, i, &path, &ref);
	if (!failed(e))
		e = chain_verify(&ref, w->heads[i], &r);
	bool erased = ch_code_of(e) == CH_E_NOT_FOUND && r.segments > 0;
	if (ch_code_of(e) == CH_E_MISMATCH && r.fault.segment == 0 && r.fault.offset == 0) {
		say("sightings: this is not the chain that the head was of, or it was cut",
		    str_from_c(sighting_folder[i]));
		return EXIT_NO;
	}
	if (ch_code_of(e) == CH_E_MISMATCH)
		return say_damage("sightings", w->folder, sighting_folder[i], &r.fault, e);
	if (failed(e) && !erased)
		return trouble(w, e);
	if (w->json)
		put_report_json(o, sighting_folder[i], &r);
	else
		put_report(sighting_folder[i], &r);
	if (!erased)
		return EXIT_YES;
	say("sightings: whole, but what the head was of has been erased, so that it cannot be "
	    "compared",
	    str_from_c(sighting_folder[i]));
	return EXIT_NO;
}

int sightings_verify(const struct sightings_wish *w)
{
	uint8_t room[2048];
	struct wr text = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&text);
	int status = EXIT_YES;
	json_begin(&o, (str){ 0 }, '[');
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		int one = verify_one(w, i, &o);
		status = one > status ? one : status;
	}
	json_finish(&o, ']');
	if (w->json)
		(void)printf("%.*s\n", (int)text.n, (const char *)text.p);
	return status;
}

/* --- erasing --- */

static void chain_done(struct chain *c)
{
	chain_close(c);
}

/* What root makes here, the gate must be able to write: so it is made as the folder's owner. */
static ch_err become_owner(const char *path)
{
	struct stat st = { 0 };
	if (stat(path, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the folder", errno);
	if (geteuid() != 0 || st.st_uid == 0)
		return CH_DONE;
	if (setegid(st.st_gid) != 0 || seteuid(st.st_uid) != 0)
		return ch_fail(CH_E_IO, "cannot act as the folder's owner", errno);
	return CH_DONE;
}

/* With no gate at it, the newest file is closed, so that it can go too. *ret_busy: a gate is. */
static ch_err close_newest(const struct chain_ref *ref, bool *ret_busy)
{
	AUTO(chain_done) struct chain c = { 0 };
	struct chain_opened o;
	const struct chain_config config = { .ref = *ref };
	ch_err e = chain_open(&c, &config, clock_unix_ms(), &o);
	*ret_busy = ch_code_of(e) == CH_E_BUSY;
	if (*ret_busy)
		return CH_DONE;
	TRY(e);
	return chain_rotate(&c, clock_unix_ms());
}

static ch_err oldest_left(const struct chain_ref *ref, int64_t *ret_ms)
{
	struct chain_cursor k;
	struct chain_record r = { 0 };
	bool got = false;
	TRY(cursor_open(&k, ref, CHAIN_OLDEST));
	ch_err e = cursor_next(&k, &r, &got);
	*ret_ms = got ? r.time_ms : INT64_MAX;
	cursor_close(&k);
	return e;
}

static ch_err erase_one(const struct sightings_wish *w, size_t i, int64_t before_ms, bool *ret_left)
{
	struct path path;
	struct chain_ref ref;
	uint64_t erased = 0;
	bool busy = false;
	int64_t oldest = 0;
	TRY(ref_of(w, i, &path, &ref));
	/* opening to write would make what is not there */
	TRY(oldest_left(&ref, &oldest));
	TRY(become_owner(path.p));
	TRY(close_newest(&ref, &busy));
	TRY(chain_erase(&ref, before_ms, &erased));
	TRY(oldest_left(&ref, &oldest));
	(void)printf("%s\t%" PRIu64 " files erased", sighting_folder[i], erased);
	*ret_left = oldest < before_ms;
	if (*ret_left) {
		(void)printf(", the oldest record left is of ");
		print_time(oldest);
		(void)printf(busy ? ": a gate is writing, and closes its file within a day"
				  : ": it shares a file with later ones");
	}
	(void)putchar('\n');
	return CH_DONE;
}

int sightings_erase(const struct sightings_wish *w, int64_t before_ms)
{
	int status = EXIT_YES;
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++) {
		bool left = false;
		ch_err e = erase_one(w, i, before_ms, &left);
		if (failed(e))
			return say_trouble("sightings: cannot erase in", str_from_c(w->folder), e);
		if (left)
			status = EXIT_NO;
	}
	return status;
}
