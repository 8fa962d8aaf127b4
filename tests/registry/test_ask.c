/* Who may ask the registry what, what it answers, and what it keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "registry_internal.h"

enum { REPORTER = 4711, STRANGER = 4712 };

static struct registry registry;
static char folder[] = "/tmp/chancery-registry-XXXXXX";
static uint8_t in[MESSAGE_MAX], out[MESSAGE_MAX];

static int open_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	registry.folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	registry.config = (struct registry_config){ .n_uids = 1, .uids = { REPORTER } };
	return registry.folder < 0 || failed(registry_load(&registry));
}

static int remove_folder(void **state)
{
	(void)state;
	fingerprints_done(&registry.set);
	fd_close(&registry.folder);
	return failed(dir_remove(AT_FDCWD, folder));
}

/* The code that is answered; the answer's text in *ret_text. */
static enum ch_code ask_text(uint32_t uid, const struct registry_ask *a, int *ret_snapshot,
			     str *ret_text)
{
	struct wr w = wr_of(in, sizeof(in)), answered = wr_of(out, sizeof(out));
	struct registry_answer answer = { 0 };
	registry_ask_write(&w, a);
	assert_false(w.full);
	assert_false(
		failed(registry_answer(&registry, uid, wr_bytes(&w), &answered, ret_snapshot)));
	assert_false(failed(registry_answer_read(wr_bytes(&answered), &answer)));
	*ret_text = str_of_bytes(answer.text);
	return (enum ch_code)answer.code;
}

static enum ch_code ask(uint32_t uid, const struct registry_ask *a)
{
	AUTO(fd_close) int snapshot = -1;
	str text = { 0 };
	return ask_text(uid, a, &snapshot, &text);
}

static struct registry_ask to_register(str label, str secret)
{
	return (struct registry_ask){ .kind = REGISTRY_REGISTER,
				      .registered_kind = REGISTRY_TEXT,
				      .label = label,
				      .secret = secret_bytes_of(bytes_of_str(secret)) };
}

static const str good = { "Xk3#9fLq2!bV7@zR8Tn", 19 };

static void who_may_what(void **state)
{
	(void)state;
	const struct registry_ask asks[] = {
		to_register(LIT("one"), good),
		{ .kind = REGISTRY_SNAPSHOT },
		{ .kind = REGISTRY_LIST },
		{ .kind = REGISTRY_REMOVE, .label = LIT("one") },
	};
	static const uint32_t root[] = { 0 };
	for (size_t i = 0; i < COUNT_OF(asks); i++)
		assert_int_equal(ask(REPORTER, &asks[i]), i ? CH_E_DENIED : CH_OK);
	assert_int_equal(fingerprints_count(registry.set), 1);
	for (size_t i = 1; i < COUNT_OF(asks); i++)
		assert_int_equal(ask(root[0], &asks[i]), CH_OK);
	assert_int_equal(ask(geteuid(), &asks[2]), CH_OK);
	assert_true(registry_knows(&registry, 0));
	assert_true(registry_knows(&registry, REPORTER));
	assert_false(registry_knows(&registry, STRANGER) && geteuid() != STRANGER);
}

static void what_is_refused(void **state)
{
	(void)state;
	struct registry_ask a = to_register(LIT("x"), LIT("short"));
	assert_int_equal(ask(0, &a), CH_E_RANGE);
	a = to_register(LIT("x"), LIT(""));
	assert_int_equal(ask(0, &a), CH_E_RANGE);
	a = to_register(LIT("not a label"), good);
	assert_int_equal(ask(0, &a), CH_E_SYNTAX);
	a = to_register(LIT("x"), LIT("correct horse battery staple"));
	assert_int_equal(ask(0, &a), CH_E_MISMATCH);
	a.weak = true;
	assert_int_equal(ask(0, &a), CH_OK);
	assert_int_equal(ask(0, &a), CH_E_EXISTS);
	a = (struct registry_ask){ .kind = REGISTRY_REMOVE, .label = LIT("y") };
	assert_int_equal(ask(0, &a), CH_E_NOT_FOUND);
	a.label = LIT("x");
	assert_int_equal(ask(0, &a), CH_OK);
}

/* A message that is no question is answered with nothing. */
static void no_questions(void **state)
{
	(void)state;
	const struct registry_ask a = to_register(LIT("one"), good);
	struct wr w = wr_of(in, sizeof(in)), answered = wr_of(out, sizeof(out));
	int snapshot = -1;
	registry_ask_write(&w, &a);
	for (size_t n = 0; n < w.n; n++)
		assert_int_equal(ch_code_of(registry_answer(&registry, 0, (bytes){ in, n },
							    &answered, &snapshot)),
				 CH_E_PROTOCOL);
	assert_int_equal(answered.n, 0);
	assert_int_equal(snapshot, -1);
}

static void a_list(void **state)
{
	(void)state;
	AUTO(fd_close) int snapshot = -1;
	str text = { 0 };
	const struct registry_ask a = to_register(LIT("home/k1"), good);
	assert_int_equal(ask(0, &a), CH_OK);
	assert_int_equal(
		ask_text(0, &(struct registry_ask){ .kind = REGISTRY_LIST }, &snapshot, &text),
		CH_OK);
	assert_true(str_eq(text, LIT("{\"labels\":[{\"label\":\"home/k1\",\"weak\":false,"
				     "\"windows\":4}],\"left_out\":0}")));
}

/* A snapshot is the set, cannot be changed, and what is in the folder is the same. */
static void snapshots_and_files(void **state)
{
	(void)state;
	static uint8_t room[FINGERPRINTS_BYTES_MAX];
	AUTO(fd_close) int snapshot = -1;
	AUTO(fingerprints_done) struct fingerprints *f = NULL;
	struct registry other = { .folder = registry.folder };
	struct stat st = { 0 };
	str text = { 0 };
	size_t n = 0;
	assert_int_equal(
		ask_text(0, &(struct registry_ask){ .kind = REGISTRY_SNAPSHOT }, &snapshot, &text),
		CH_OK);
	assert_int_equal(fcntl(snapshot, F_GET_SEALS),
			 F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	assert_false(failed(fd_read_all(snapshot, room, sizeof(room), &n)));
	assert_false(failed(fingerprints_read((bytes){ room, n }, &f)));
	assert_int_equal(fingerprints_count(f), 1);
	assert_false(failed(registry_load(&other)));
	assert_int_equal(fingerprints_count(other.set), 1);
	fingerprints_done(&other.set);
	assert_int_equal(fstatat(registry.folder, "fingerprints", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* damaged: refused, and not begun anew */
	room[n - 1] ^= 1;
	assert_false(
		failed(file_replace(registry.folder, "fingerprints", (bytes){ room, n }, 0600)));
	assert_int_equal(ch_code_of(registry_load(&other)), CH_E_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_what),        cmocka_unit_test(what_is_refused),
		cmocka_unit_test(no_questions),        cmocka_unit_test(a_list),
		cmocka_unit_test(snapshots_and_files),
	};
	return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
