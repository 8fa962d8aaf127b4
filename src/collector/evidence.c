/* What is kept of an alarm: ALARMS/ID, made beside its place and renamed, so that it is there whole
 * or not at all. What was shown is a token that verifiers without a log would take: the folder is
 * ours alone (0700), and nothing of the token but its hash goes anywhere else. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include "collector_internal.h"
#include "wire/boot.h"

enum { ALARM_ROOM = 8 * 1024, CLAIM_MAX = 255 };

static const str none = { NULL, 0 };

void alarm_id_write(const uint8_t identity[static TOKEN_ID_SIZE], char ret_id[static ALARM_ID_SIZE])
{
	struct wr w = wr_of(ret_id, ALARM_ID_SIZE);
	wr_hex(&w, (bytes){ identity, ALARM_ID_SIZE / 2 });
}

bool evidence_exists(const struct collector *c, str id)
{
	struct path name;
	struct stat st = { 0 };
	return !failed(path_of(&name, id)) && fstatat(c->alarms_fd, name.p, &st, 0) == 0;
}

static void put_hex(struct json_out *o, str name, bytes b)
{
	uint8_t room[2 * MERKLE_HASH_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	wr_hex(&w, b);
	json_put_str(o, name, wr_text(&w));
}

static void put_text(struct json_out *o, str name, str value)
{
	if (value.n > 0)
		json_put_str(o, name, value);
	else
		json_put_null(o, name);
}

/* What the token says of a person, which the thief may have made as long as a token can be: cut, or
 * there would be no room for the alarm. All of it is in signing-input. */
static void put_claim(struct json_out *o, str name, str value)
{
	size_t n = value.n < CLAIM_MAX ? value.n : CLAIM_MAX;
	/* not within a character */
	while (n < value.n && n > 0 && ((uint8_t)value.p[n] & 0xc0) == 0x80)
		n--;
	put_text(o, name, str_sub(value, 0, n));
}

static void put_client(struct json_out *o, const struct address *a)
{
	uint8_t room[64];
	struct wr w = wr_of(room, sizeof(room));
	address_print(&w, a);
	put_text(o, LIT("client"), a->family ? wr_text(&w) : none);
}

/* The head that it was held against. */
static void put_log(struct json_out *o, const struct heads *h)
{
	struct merkle_hash root;
	merkle_edge_root(&h->edge, &root);
	json_begin(o, LIT("log"), '{');
	json_put_str(o, LIT("origin"), h->key.name);
	json_put_u64(o, LIT("size"), h->edge.size);
	put_hex(o, LIT("root"), BYTES_OF(root.b));
	json_put_int(o, LIT("time"), h->time_s);
	json_finish(o, '}');
}

/* The payload of a security event token (RFC 8417), of the type that CAEP has for a session that
 * is over; unsigned: the webhook's signature is over all of it. */
static void put_event(struct json_out *o, const struct pending *p, str id, int64_t now_s)
{
	json_begin(o, LIT("event"), '{');
	json_put_str(o, LIT("iss"), p->issuer);
	json_put_str(o, LIT("jti"), id);
	json_put_int(o, LIT("iat"), now_s);
	json_put_str(o, LIT("txn"), id);
	json_begin(o, LIT("sub_id"), '{');
	json_put_str(o, LIT("format"), LIT("iss_sub"));
	json_put_str(o, LIT("iss"), p->issuer);
	put_claim(o, LIT("sub"), p->sub);
	json_finish(o, '}');
	json_begin(o, LIT("events"), '{');
	json_begin(o, LIT("https://schemas.openid.net/secevent/caep/event-type/session-revoked"),
		   '{');
	json_put_int(o, LIT("event_timestamp"), p->alarm.when_ms / 1000);
	json_put_str(o, LIT("initiating_entity"), LIT("system"));
	json_begin(o, LIT("reason_admin"), '{');
	json_put_str(
		o, LIT("en"),
		LIT("A validly signed token was shown that its issuer never issued: its signing "
		    "key is in somebody else's hands"));
	json_finish(o, '}');
	json_finish(o, '}');
	json_finish(o, '}');
	json_finish(o, '}');
}

void alarm_write(struct wr *w, const struct collector *c, const struct pending *p, str id)
{
	struct json_out o = json_out_of(w);
	int64_t now_s = clock_unix_s();
	json_begin(&o, none, '{');
	json_put_str(&o, LIT("id"), id);
	json_put_str(&o, LIT("kind"), LIT("forged_token"));
	json_put_int(&o, LIT("time"), now_s);
	json_put_int(&o, LIT("seen_ms"), p->alarm.when_ms);
	json_put_str(&o, LIT("gate"), c->config.gates[p->gate].name);
	json_put_str(&o, LIT("location"), p->alarm.location);
	put_client(&o, &p->alarm.client);
	put_hex(&o, LIT("token"), BYTES_OF(p->identity));
	json_put_str(&o, LIT("issuer"), p->issuer);
	json_put_str(&o, LIT("realm"), p->realm);
	json_put_str(&o, LIT("kid"), p->kid);
	json_put_int(&o, LIT("iat"), p->iat);
	json_put_int(&o, LIT("exp"), p->exp);
	put_claim(&o, LIT("sub"), p->sub);
	put_claim(&o, LIT("client_id"), p->client_id);
	put_claim(&o, LIT("username"), p->username);
	put_log(&o, &c->heads);
	put_event(&o, p, id, now_s);
	json_finish(&o, '}');
	wr_char(w, '\n');
}

static ch_err write_jwks(const struct collector *c, int fd, const struct pending *p)
{
	static uint8_t set[64 * 1024];
	for (size_t i = 0; i < c->config.n_issuers; i++) {
		const struct collector_issuer *from = &c->config.issuers[i];
		struct path path;
		size_t n = 0;
		if (!str_eq(from->realm, p->realm))
			continue;
		TRY(path_of(&path, from->jwks));
		TRY(file_read(AT_FDCWD, path.p, set, sizeof(set), &n));
		return file_create(fd, "jwks.json", (bytes){ set, n }, 0600);
	}
	return CH_DONE;
}

static ch_err write_files(struct collector *c, int fd, const struct pending *p, str id)
{
	static uint8_t room[ALARM_ROOM];
	struct wr w = wr_of(room, sizeof(room));
	alarm_write(&w, c, p, id);
	TRY(wr_done(&w));
	TRY(file_create(fd, "alarm.json", wr_bytes(&w), 0600));
	TRY(file_create(fd, "signing-input", bytes_of_str(p->alarm.signing_input), 0600));
	TRY(file_create(fd, "signature", bytes_of_str(p->alarm.signature), 0600));
	TRY(file_create(fd, "checkpoint", (bytes){ c->heads.note, c->heads.note_n }, 0600));
	return write_jwks(c, fd, p);
}

ch_err alarm_keep(struct collector *c, const struct pending *p, str id)
{
	struct path made, name;
	AUTO(fd_close) int fd = -1;
	TRY(path_of(&name, id));
	TRY(path_of(&made, LIT(".new")));
	TRY(dir_remove(c->alarms_fd, made.p));
	TRY(dir_make(c->alarms_fd, made.p, 0700));
	fd = openat(c->alarms_fd, made.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open a folder of evidence", errno);
	TRY(write_files(c, fd, p, id));
	if (renameat(c->alarms_fd, made.p, c->alarms_fd, name.p) != 0 || fsync(c->alarms_fd) != 0)
		return ch_fail(CH_E_IO, "cannot put evidence in its place", errno);
	return CH_DONE;
}
