/* What a witness answers to each request, what it remembers of it, and when. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "plain.h"
#include "witness_internal.h"

enum { NOW_S = 1700000000 };

struct side {
	const char *origin;
	struct private_key *key;
	struct note_key public;
	char vkey[NOTE_VKEY_MAX];
	size_t vkey_n;
};

static struct side a = { .origin = "a.test/log" }, stranger = { .origin = "c.test/log" };
static struct private_key *own;
static char folder[64];
static struct witness w;
static char body_room[WITNESS_BODY_MAX], answer_room[WITNESS_ANSWER_MAX];

static void side_make(struct side *s)
{
	struct key_parts parts = { 0 };
	struct wr v = wr_of(s->vkey, sizeof(s->vkey));
	assert_false(failed(private_key_generate(ALG_EDDSA, &s->key)));
	assert_false(failed(private_key_public(s->key, &parts)));
	assert_false(
		failed(note_key_make(str_from_c(s->origin), NOTE_ED25519, parts.x, &s->public)));
	vkey_write(&v, &s->public);
	s->vkey_n = v.n;
}

static void start(void)
{
	struct key_parts parts = { 0 };
	w = (struct witness){ .private = own, .state_fd = open(folder, O_RDONLY | O_DIRECTORY) };
	w.config = (struct witness_config){ .name = LIT("w.test/1"), .n_logs = 2 };
	w.config.logs[0] = (struct witness_source){ str_from_c(a.origin), { a.vkey, a.vkey_n } };
	w.config.logs[1] = (struct witness_source){ LIT("b.test/log"), { a.vkey, a.vkey_n } };
	assert_false(failed(private_key_public(own, &parts)));
	assert_false(failed(note_key_make(w.config.name, NOTE_COSIGNATURE, parts.x, &w.key)));
}

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(folder, "/tmp/chancery-witness-XXXXXX");
	if (failed(crypto_init(NULL)) || !mkdtemp(folder))
		return -1;
	if (!own) {
		side_make(&a);
		side_make(&stranger);
		assert_false(failed(private_key_generate(ALG_EDDSA, &own)));
	}
	start();
	return failed(witness_take_up(&w));
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(&w.state_fd);
	return failed(dir_remove(AT_FDCWD, folder));
}

/* As after a crash: nothing but what is on the disk. */
static ch_err again(void)
{
	fd_close(&w.state_fd);
	start();
	return witness_take_up(&w);
}

/* --- requests --- */

struct head {
	const struct side *side;
	str origin; /* p == NULL: the side's */
	uint64_t size;
	struct merkle_hash root;
};

static struct head head_of(uint64_t size)
{
	struct head h = { .side = &a, .size = size };
	plain_root(plain_leaves(), (size_t)size, &h.root);
	return h;
}

static void note_write(struct wr *t, const struct head *h)
{
	char text[512];
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	struct wr b = wr_of(text, sizeof(text));
	const struct checkpoint c = { .origin = h->origin.p ? h->origin
							    : str_from_c(h->side->origin),
				      .size = h->size,
				      .root = h->root };
	checkpoint_write(&b, &c);
	assert_false(failed(private_key_sign(h->side->key, wr_bytes(&b), sig, &n)));
	wr_str(t, wr_text(&b));
	wr_char(t, '\n');
	note_line_write(t, &h->side->public, sig);
}

static str request_of(uint64_t old, const struct head *h, const struct merkle_proof *p)
{
	char text[1024];
	struct wr t = wr_of(body_room, sizeof(body_room)), note = wr_of(text, sizeof(text));
	note_write(&note, h);
	witness_request_write(&t, &(struct witness_request){ old, *p, wr_text(&note) });
	assert_false(t.full);
	return wr_text(&t);
}

/* With the proof that belongs to it. */
static str request(uint64_t old, uint64_t size)
{
	struct merkle_proof p = { 0 };
	struct head h = head_of(size);
	if (old > 0 && old < size)
		plain_proof((size_t)old, plain_leaves(), (size_t)size, true, &p);
	return request_of(old, &h, &p);
}

static unsigned add(str body)
{
	struct witness_answer r = { .body = wr_of(answer_room, sizeof(answer_room)) };
	witness_add(&w, body, NOW_S, &r);
	answer_room[r.body.n] = 0;
	if (r.status == 409)
		assert_true(str_eq(r.type, LIT("text/x.tlog.size")));
	else
		assert_true(str_starts(r.type, LIT("text/plain")));
	return r.status;
}

/* The answer is its cosignature of the head of this size, and the time is that of now. */
static void is_cosigned(uint64_t size)
{
	char text[2048];
	struct wr t = wr_of(text, sizeof(text));
	struct note n;
	struct head h = head_of(size);
	int64_t when_s = 0;
	note_write(&t, &h);
	wr_str(&t, str_from_c(answer_room));
	assert_false(failed(note_open(wr_text(&t), &n)));
	assert_int_equal(n.n, 2);
	assert_false(failed(cosignature_check(&n, &w.key, &when_s)));
	assert_int_equal(when_s, NOW_S);
}

static void grows(void **state)
{
	(void)state;
	assert_int_equal(add(request(0, 0)), 200);
	is_cosigned(0);
	assert_int_equal(add(request(0, 5)), 200);
	is_cosigned(5);
	assert_int_equal(add(request(5, 5)), 200);
	is_cosigned(5);
	assert_int_equal(add(request(5, 700)), 200);
	is_cosigned(700);
	assert_int_equal(w.logs[0].size, 700);
	assert_int_equal(w.logs[1].size, 0);
	assert_int_equal(w.counts[COUNT_COSIGNED], 4);
}

static void refuses(void **state)
{
	(void)state;
	struct merkle_proof none = { 0 }, one = { .n = 1 };
	struct head h = head_of(7);
	assert_int_equal(add(request(0, 5)), 200);
	assert_int_equal(add(LIT("")), 400);
	assert_int_equal(add(LIT("old 5\n")), 400);
	assert_int_equal(add(LIT("old 05\n\nx\n")), 400);
	assert_int_equal(add(request(8, 7)), 400);
	/* not signed by it */
	h.side = &stranger;
	h.origin = str_from_c(a.origin);
	assert_int_equal(add(request_of(5, &h, &none)), 403);
	/* nobody's, and of one that is not known */
	h.origin = (str){ 0 };
	assert_int_equal(add(request_of(5, &h, &none)), 404);
	/* another size than the last one: above and below */
	assert_int_equal(add(request(6, 7)), 409);
	assert_string_equal(answer_room, "5\n");
	assert_int_equal(add(request(0, 7)), 409);
	assert_int_equal(add(request(3, 4)), 409);
	/* no proof, a wrong one, and one where there must be none */
	h = head_of(7);
	assert_int_equal(add(request_of(5, &h, &none)), 422);
	assert_int_equal(add(request_of(5, &h, &one)), 422);
	h = head_of(5);
	assert_int_equal(add(request_of(5, &h, &one)), 422);
	assert_int_equal(w.logs[0].size, 5);
	assert_int_equal(add(request(5, 7)), 200);
}

static void first_needs_no_proof(void **state)
{
	(void)state;
	struct merkle_proof one = { .n = 1 };
	struct head h = head_of(5);
	assert_int_equal(add(request_of(0, &h, &one)), 422);
	assert_int_equal(add(request(1, 5)), 409);
	assert_string_equal(answer_room, "0\n");
	assert_int_equal(add(request(0, 5)), 200);
}

static void keeps_a_fork(void **state)
{
	(void)state;
	struct merkle_proof none = { 0 };
	struct head h = head_of(5);
	char name[STATE_NAME_MAX + 8], first[4096], second[4096];
	size_t n = 0, m = 0;
	assert_int_equal(add(request(0, 5)), 200);
	h.root.b[3] ^= 1;
	assert_int_equal(add(request_of(5, &h, &none)), 409);
	assert_string_equal(answer_room, "5\n");
	(void)strcpy(name, w.logs[0].name);
	(void)strcat(name, ".fork");
	assert_false(failed(file_read(w.state_fd, name, first, sizeof(first), &n)));
	/* both heads are there, each with its signature */
	str both = { first, n };
	size_t heads = 0;
	while (both.p)
		heads += str_eq(str_cut(&both, '\n'), LIT("a.test/log"));
	assert_int_equal(heads, 2);
	/* the first one stays */
	h.root.b[3] ^= 2;
	assert_int_equal(add(request_of(5, &h, &none)), 409);
	assert_false(failed(file_read(w.state_fd, name, second, sizeof(second), &m)));
	assert_true(n == m && memcmp(first, second, n) == 0);
	assert_int_equal(w.counts[COUNT_FORKED], 2);
}

/* Two that go on from the same head: whoever comes second hears where it stands now. */
static void one_of_two(void **state)
{
	(void)state;
	assert_int_equal(add(request(0, 5)), 200);
	assert_int_equal(add(request(5, 9)), 200);
	assert_int_equal(add(request(5, 8)), 409);
	assert_string_equal(answer_room, "9\n");
	assert_int_equal(add(request(5, 9)), 409);
	assert_int_equal(add(request(9, 9)), 200);
}

/* It ends between writing down and answering: the answer is lost, the head is not. */
static void a_crash_before_the_answer(void **state)
{
	(void)state;
	assert_int_equal(add(request(0, 5)), 200);
	assert_int_equal(add(request(5, 9)), 200);
	assert_false(failed(again()));
	assert_int_equal(w.logs[0].size, 9);
	assert_int_equal(add(request(5, 9)), 409);
	assert_string_equal(answer_room, "9\n");
	assert_int_equal(add(request(5, 8)), 409);
	assert_int_equal(add(request(9, 9)), 200);
	is_cosigned(9);
	assert_int_equal(add(request(9, 12)), 200);
}

/* What cannot be written down is not signed, and not remembered. */
static void a_disk_that_fails(void **state)
{
	(void)state;
	int good = w.state_fd;
	assert_int_equal(add(request(0, 5)), 200);
	w.state_fd = -1;
	assert_int_equal(add(request(5, 9)), 503);
	assert_null(strstr(answer_room, "w.test"));
	assert_int_equal(w.logs[0].size, 5);
	w.state_fd = good;
	assert_int_equal(add(request(5, 9)), 200);
	is_cosigned(9);
}

/* It does not begin anew where it has vouched for something. */
static void a_damaged_memory(void **state)
{
	(void)state;
	static uint8_t whole[STATE_MAX], bad[STATE_MAX];
	size_t n = 0;
	assert_int_equal(add(request(0, 5)), 200);
	assert_false(failed(file_read(w.state_fd, w.logs[0].name, whole, sizeof(whole), &n)));
	for (size_t i = 0; i < n; i += 3) {
		mem_copy(bad, whole, n);
		bad[i] ^= 1;
		assert_false(
			failed(file_replace(w.state_fd, w.logs[0].name, (bytes){ bad, n }, 0600)));
		assert_true(failed(again()));
	}
	for (size_t i = 0; i < n; i += 7) {
		assert_false(failed(
			file_replace(w.state_fd, w.logs[0].name, (bytes){ whole, i }, 0600)));
		assert_true(failed(again()));
	}
	assert_false(failed(file_replace(w.state_fd, w.logs[0].name, (bytes){ whole, n }, 0600)));
	assert_false(failed(again()));
	assert_int_equal(w.logs[0].size, 5);
}

static void tells_what_it_counted(void **state)
{
	(void)state;
	char text[8192];
	struct wr t = wr_of(text, sizeof(text) - 1);
	assert_int_equal(add(request(0, 5)), 200);
	assert_int_equal(add(LIT("x")), 400);
	witness_metrics(&w, &t);
	text[t.n] = 0;
	assert_non_null(strstr(text, "chancery_witness_requests_total{result=\"cosigned\"} 1\n"));
	assert_non_null(strstr(text, "chancery_witness_requests_total{result=\"malformed\"} 1\n"));
	assert_non_null(strstr(text, "chancery_witness_log_size{origin=\"a.test/log\"} 5\n"));
	assert_non_null(strstr(
		text,
		"chancery_witness_log_cosigned_time_seconds{origin=\"a.test/log\"} 1700000000\n"));
}

#define ONE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(grows),
		ONE(refuses),
		ONE(first_needs_no_proof),
		ONE(keeps_a_fork),
		ONE(one_of_two),
		ONE(a_crash_before_the_answer),
		ONE(a_disk_that_fails),
		ONE(a_damaged_memory),
		ONE(tells_what_it_counted),
	};
	log_min_level(LOG_ALARM + 1);
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	private_key_free(own);
	private_key_free(a.key);
	private_key_free(stranger.key);
	return r;
}
