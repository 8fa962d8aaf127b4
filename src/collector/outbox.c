/* The webhook. The receiver is a stranger: its answer counts as a number alone. What is sent is
 * alarm.json, which holds no token; the signature lets the receiver know who sent it and when. */
#include "outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/hash.h"

enum {
	BODY_MAX = 8 * 1024,
	RETRY_S = 1,
	DOUBLINGS_MAX = 8,
	PATIENCE_S = 30,
};

static const uint64_t s_ns = 1000000000U;

static bool is_told(const struct outbox *o, str id)
{
	struct path path;
	struct stat st = { 0 };
	return failed(path_join(&path, id, LIT("told"), (str){ 0 })) ||
	       fstatat(o->alarms_fd, path.p, &st, 0) == 0;
}

void outbox_add(struct outbox *o, str id)
{
	if (!o->has_webhook || id.n != OUTBOX_ID)
		return;
	/* one that waited for longest is taken from the folder again when there is room */
	if (o->n == OUTBOX_MAX) {
		o->more = true;
		o->n--;
	}
	/* the newest goes first, behind what is under way: it waits for no other's turn to be tried again */
	size_t at = o->req != 0 ? 1 : 0;
	mem_move(o->ids[at + 1], o->ids[at], (o->n - at) * sizeof(o->ids[0]));
	mem_copy(o->ids[at], id.p, OUTBOX_ID);
	o->n++;
	if (o->req == 0)
		o->due_ns = 0;
}

/* What is in the folder and was not told. */
static ch_err take_up(struct outbox *o)
{
	AUTO(dir_done) DIR *d = NULL;
	o->more = false;
	TRY(dir_open(o->alarms_fd, ".", &d));
	for (struct dirent *entry = readdir(d); entry && !o->more; entry = readdir(d)) {
		str id = str_from_c(entry->d_name);
		if (id.n != OUTBOX_ID || is_told(o, id))
			continue;
		if (o->n < OUTBOX_MAX)
			outbox_add(o, id);
		else
			o->more = true;
	}
	return CH_DONE;
}

ch_err outbox_open(struct outbox *o, const struct collector_config *config, int alarms_fd,
		   int fetcher)
{
	*o = (struct outbox){ .has_webhook = config->has_webhook,
			      .alarms_fd = alarms_fd,
			      .fetcher = fetcher,
			      .secret = config->webhook_secret };
	return o->has_webhook ? take_up(o) : CH_DONE;
}

void outbox_sign(struct wr *w, str secret, int64_t now_s, bytes body)
{
	static uint8_t room[BODY_MAX + 32];
	uint8_t key[MAC_KEY_SIZE] = { 0 }, sum[MAC_SIZE];
	struct wr text = wr_of(room, sizeof(room));
	/* RFC 2104 section 2: a short key has zeros behind it */
	mem_copy(key, secret.p, secret.n < sizeof(key) ? secret.n : sizeof(key));
	wr_dec(&text, (uint64_t)now_s);
	wr_char(&text, '.');
	wr_put(&text, body);
	mac(key, wr_bytes(&text), sum);
	mem_wipe(key, sizeof(key));
	wr_lit(w, "t=");
	wr_dec(w, (uint64_t)now_s);
	wr_lit(w, ",v1=");
	wr_hex(w, BYTES_OF(sum));
}

static ch_err send_first(struct outbox *o)
{
	static uint8_t body[BODY_MAX], message[FETCH_MESSAGE_MAX];
	uint8_t text[FETCH_SIGNATURE_MAX];
	struct wr signature = wr_of(text, sizeof(text)), w = wr_of(message, sizeof(message));
	struct path path;
	size_t n = 0;
	TRY(path_join(&path, (str){ o->ids[0], OUTBOX_ID }, LIT("alarm.json"), (str){ 0 }));
	TRY(file_read(o->alarms_fd, path.p, body, sizeof(body), &n));
	if (o->secret.n > 0)
		outbox_sign(&signature, o->secret, clock_unix_s(), (bytes){ body, n });
	if (++o->last_req == 0)
		o->last_req = 1;
	fetch_write_post(&w, &(struct fetch_post){ .req = o->last_req,
						   .signature = wr_text(&signature),
						   .body = { body, n } });
	TRY(wr_done(&w));
	if (o->fetcher < 0)
		return ch_fail(CH_E_GONE, "there is no fetcher", 0);
	TRY(channel_send(o->fetcher, wr_bytes(&w), NULL));
	o->req = o->last_req;
	return CH_DONE;
}

static void drop_first(struct outbox *o)
{
	o->n--;
	mem_move(o->ids[0], o->ids[1], o->n * sizeof(o->ids[0]));
}

/* The others are tried before it is again. */
static void put_last(struct outbox *o)
{
	char id[OUTBOX_ID];
	mem_copy(id, o->ids[0], sizeof(id));
	drop_first(o);
	mem_copy(o->ids[o->n++], id, sizeof(id));
}

static void miss(struct outbox *o, ch_err e, uint16_t status, uint64_t now_ns)
{
	unsigned doublings = o->misses < DOUBLINGS_MAX ? o->misses : DOUBLINGS_MAX;
	o->req = 0;
	o->missed++;
	o->misses++;
	o->due_ns = now_ns + ((uint64_t)RETRY_S << doublings) * s_ns;
	if (!o->missing)
		LOG(LOG_ERROR, "the webhook does not take an alarm; it is tried again",
		    log_str("alarm", (str){ o->ids[0], OUTBOX_ID }), log_u64("status", status),
		    failed(e) ? log_err(e) : (struct log_field){ 0 });
	o->missing = true;
	put_last(o);
}

void outbox_turn(struct outbox *o, uint64_t now_ns)
{
	if (o->n == 0 || now_ns < o->due_ns)
		return;
	if (o->req != 0) {
		miss(o, ch_fail(CH_E_BUSY, "the fetcher does not answer", 0), 0, now_ns);
		return;
	}
	ch_err e = send_first(o);
	o->due_ns = now_ns + PATIENCE_S * s_ns;
	if (failed(e))
		miss(o, e, 0, now_ns);
}

static void taken(struct outbox *o)
{
	struct path path;
	str id = { o->ids[0], OUTBOX_ID };
	ch_err e = path_join(&path, id, LIT("told"), (str){ 0 });
	if (!failed(e))
		e = file_replace(o->alarms_fd, path.p, bytes_of_str(LIT("")), 0600);
	if (failed(e))
		LOG(LOG_WARN, "that an alarm was told cannot be kept: it may be told again",
		    log_str("alarm", id), log_err(e));
	if (o->missing)
		LOG(LOG_INFO, "the webhook takes alarms again");
	o->sent++;
	o->missing = false;
	o->misses = 0;
	o->req = 0;
	o->due_ns = 0;
	drop_first(o);
	if (o->n == 0 && o->more && failed(take_up(o)))
		LOG(LOG_ERROR, "alarms that wait for the webhook cannot be read: they are told at "
			       "the next start");
}

void outbox_answers(struct outbox *o, uint64_t now_ns)
{
	static uint8_t room[FETCH_MESSAGE_MAX];
	while (o->fetcher >= 0) {
		bytes message = { 0 };
		struct fetch_posted p = { 0 };
		ch_err e = channel_recv(o->fetcher, room, sizeof(room), &message, NULL);
		if (ch_code_of(e) == CH_E_BUSY)
			return;
		if (!failed(e))
			e = fetch_read_posted(message, &p);
		if (failed(e)) {
			LOG(LOG_ERROR,
			    "the fetcher is gone; no webhook is called until the "
			    "collector starts anew",
			    log_err(e));
			o->fetcher = -1;
			return;
		}
		if (p.req != o->req || o->n == 0)
			continue;
		if (p.code == CH_OK && p.status >= 200 && p.status < 300)
			taken(o);
		else
			miss(o, p.code ? ch_err_from_wire(p.code, p.detail) : CH_DONE, p.status,
			     now_ns);
	}
}
