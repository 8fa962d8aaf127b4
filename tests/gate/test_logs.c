/* Whatever the clocks of a gate and of its issuer do, however late the log is, and whenever the gate
 * starts anew: a token that was logged before it was let out is never called forged, and one that
 * was not is never let in. A model of the two, with random skews and jumps. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "log_kit.h"
#include "logs.h"
#include "wire/channel.h"
#include "wire/ledger.h"

#define MUST(e) assert_false(failed(e))

enum { T0 = 1795400000, TTL = 600, STEPS = 1500, FORGED = 1 << 30, SKEW_S = 5 };

/* Of the model: the true time; what each side takes for it. */
static int64_t true_s, gate_off_s, issuer_off_s;
static uint64_t mono_ns;

int64_t __wrap_clock_unix_s(void);
uint64_t __wrap_clock_mono_ns(void);
int64_t __wrap_clock_unix_s(void)
{
	return true_s + gate_off_s;
}
uint64_t __wrap_clock_mono_ns(void)
{
	return mono_ns;
}

static uint64_t state;
static uint64_t number(uint64_t n)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = (state ^ state >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

static struct kit_log kit;
static struct logs logs;
static struct gate_config config;
static char folder[] = "/tmp/chancery-logs.XXXXXX";
static char vkey_text[NOTE_VKEY_MAX];
static int ledger; /* its end of the socket */
static uint64_t written;
static int64_t iats[KIT_ENTRIES];
static unsigned said[LOG_LOST + 1];

/* --- the ledger --- */

static void put_file(str name, bytes b)
{
	struct path path, above;
	MUST(path_join(&path, str_from_c(folder), name, (str){ 0 }));
	MUST(path_of(&above, path_folder(str_from_c(path.p))));
	MUST(dir_make(AT_FDCWD, above.p, 0700));
	AUTO(fd_close) int fd = open(path.p, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	MUST(fd_write_all(fd, b));
}

static void write_tiles(void)
{
	static uint8_t room[TILE_ROOM_MAX];
	struct tile_walk walk = tile_walk_of(written, kit.size);
	struct tile_id t;
	while (tile_walk_next(&walk, &t)) {
		uint8_t text[TILE_PATH_MAX];
		struct wr w = wr_of(room, sizeof(room)), name = wr_of(text, sizeof(text));
		MUST(kit.tiles.get(&kit.tiles, &t, &w));
		tile_path_write(&name, &t);
		put_file(wr_text(&name), wr_bytes(&w));
	}
	written = kit.size;
}

static str publish(uint8_t room[static KIT_NOTE])
{
	str note = kit_head(&kit, true_s + issuer_off_s, room);
	write_tiles();
	put_file(LIT("checkpoint"), bytes_of_str(note));
	return note;
}

/* What the ledger does when it is asked: a head over all that is there. */
static void answer(void)
{
	uint8_t in[64], note_room[KIT_NOTE];
	static uint8_t out[LEDGER_LOG_HEAD_MAX];
	bytes message = { 0 };
	struct log_ask ask;
	while (!failed(channel_recv(ledger, in, sizeof(in), &message, NULL))) {
		struct wr w = wr_of(out, sizeof(out));
		MUST(log_ask_read(message, &ask));
		str note = publish(note_room);
		log_answer_write(
			&w, &(struct log_answer){ .req = ask.req, .note = bytes_of_str(note) });
		MUST(channel_send(ledger, wr_bytes(&w), NULL));
	}
}

/* --- the gate --- */

static void gate_begin(void)
{
	int ends[2];
	MUST(logs_open(&logs, &config, -1, -1));
	MUST(channel_pair(ends));
	ledger = ends[0];
	logs_attached(&logs, LIT("main"), ends[1]);
	answer();
	for (size_t i = 0; i < 1000 && !logs_settled(&logs); i++)
		logs_turn(&logs, true);
}

static void gate_end(void)
{
	logs_done(&logs);
	fd_close(&ledger);
}

static enum log_say judge(uint64_t token, int64_t iat_s)
{
	struct token_verdict v = { .issuer = config.issuers[0].issuer,
				   .iat = iat_s,
				   .exp = iat_s + TTL };
	kit_identity(token, v.identity);
	int64_t now_s = true_s + gate_off_s;
	/* these have codes of their own */
	if (now_s >= v.exp || v.iat - SKEW_S > now_s)
		return LOG_UNSURE;
	enum log_say say = logs_look(&logs, &v, now_s, LOG_FIRST);
	if (say != LOG_WAIT)
		return say;
	struct log_source *s = &logs.sources[0];
	uint64_t need = s->asked + 1;
	for (size_t i = 0; i < 200 && s->known < need; i++) {
		logs_ask(&logs, s, mono_ns);
		answer();
		logs_turn(&logs, false);
		mono_ns += 1000000;
	}
	return logs_look(&logs, &v, now_s, s->known >= need ? LOG_CAUGHT_UP : LOG_IN_VAIN);
}

/* --- the model --- */

static int64_t any_skew(void)
{
	static const int64_t sizes[] = { 2, 5, 60, 700, 4000, 90000, 40000000 };
	int64_t size = sizes[number(COUNT_OF(sizes))];
	int64_t skew = (int64_t)number((uint64_t)size + 1);
	return number(2) ? skew : -skew;
}

static void change_something(void)
{
	switch (number(20)) {
	case 0:
		gate_off_s = any_skew();
		break;
	case 1:
		issuer_off_s = any_skew();
		break;
	case 2:
		true_s += (int64_t)number(TTL);
		break;
	case 3:
		gate_end();
		gate_begin();
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		gate_off_s = issuer_off_s = 0;
		break;
	default:
		break;
	}
}

static void step(uint64_t i)
{
	uint8_t room[KIT_NOTE];
	change_something();
	true_s += number(3) == 0;
	mono_ns += number(2000000000);
	if (number(3)) {
		iats[kit.size] = true_s + issuer_off_s;
		kit_add(&kit, kit.size, iats[kit.size], iats[kit.size] + TTL);
	}
	if (number(4) == 0)
		(void)publish(room);
	logs_turn(&logs, number(2));
	if (kit.size > 0) {
		uint64_t back = number(kit.size < 400 ? kit.size : 400),
			 token = kit.size - 1 - back;
		enum log_say say = judge(token, iats[token]);
		said[say]++;
		if (say == LOG_ABSENT || say == LOG_LOST)
			fail_msg("step %llu: token %llu of %llu: %d", (unsigned long long)i,
				 (unsigned long long)token, (unsigned long long)kit.size, say);
	}
	enum log_say say = judge(FORGED + i, true_s + gate_off_s - (int64_t)number(TTL));
	said[say]++;
	if (say == LOG_KNOWN || say == LOG_LEGACY || say == LOG_LOST)
		fail_msg("step %llu: a forged token: %d", (unsigned long long)i, say);
}

static void test_no_clock_decides(void **unused)
{
	(void)unused;
	const char *seed = getenv("SEED"), *steps = getenv("STEPS");
	uint64_t n = steps ? strtoul(steps, NULL, 10) : STEPS;
	state = seed ? strtoul(seed, NULL, 10) : 2;
	true_s = T0;
	mono_ns = 1000000000;
	for (uint64_t i = 0; i < n && kit.size + 1 < KIT_ENTRIES; i++)
		step(i);
	/* both were put to the test */
	(void)printf("known %u, absent %u, unsure %u\n", said[LOG_KNOWN], said[LOG_ABSENT],
		     said[LOG_UNSURE]);
	assert_true(said[LOG_KNOWN] > n / 30 && said[LOG_ABSENT] > n / 20);
	assert_true(said[LOG_UNSURE] > 0);
}

static int begin(void **unused)
{
	(void)unused;
	struct wr w = wr_of(vkey_text, sizeof(vkey_text));
	log_min_level(LOG_ALARM + 1);
	assert_non_null(mkdtemp(folder));
	kit_open(&kit);
	vkey_write(&w, &kit.verifier);
	config.n_logs = 1;
	config.logs[0] = (struct gate_log){ .name = LIT("main"),
					    .vkey = wr_text(&w),
					    .folder = str_from_c(folder),
					    .socket = LIT("s"),
					    .stale_s = 10,
					    .skew_s = SKEW_S };
	config.n_issuers = 1;
	config.issuers[0] = (struct gate_issuer){ .issuer = LIT("https://login.test/home"),
						  .realm = LIT("home"),
						  .max_ttl_s = TTL,
						  .log = LIT("main") };
	gate_begin();
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	gate_end();
	kit_close(&kit);
	return failed(dir_remove(AT_FDCWD, folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_clock_decides, begin, end),
	};
	if (failed(crypto_init(NULL)))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
