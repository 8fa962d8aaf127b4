/* /etc/chancery/coredump.yaml → struct coredump_file. A rule goes by uid, file and build id,
 * never by a name that the program that crashes can choose; a rule without any of them would
 * make all behind it idle, and is refused. */
#include "base/ck.h"
#include "base/cleanup.h"
#include "config/config.h"
#include "fields_internal.h"
#include "text_internal.h"

bool coredump_uids(str text, uint32_t *ret_from, uint32_t *ret_to)
{
	str rest = text;
	uint64_t from = 0, to = 0;
	/* the last uid is nobody's: (uid_t)-1 means "as it is" */
	if (!str_to_u64(str_cut(&rest, '-'), UINT32_MAX - 1, &from))
		return false;
	to = from;
	if (rest.p && !str_to_u64(rest, UINT32_MAX - 1, &to))
		return false;
	*ret_from = (uint32_t)from;
	*ret_to = (uint32_t)to;
	return from <= to;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool coredump_build_id(str text, uint8_t ret_id[static BUILD_ID_MAX], uint8_t *ret_n)
{
	size_t n = text.n / 2;
	if (n == 0 || n > BUILD_ID_MAX || text.n % 2 != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = digit_of(text.p[2 * i]), low = digit_of(text.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret_id[i] = (uint8_t)(high << 4 | low);
	}
	*ret_n = u8_from(n);
	return true;
}

static const char *check_uids(str text)
{
	uint32_t from = 0, to = 0;
	return coredump_uids(text, &from, &to)
		       ? NULL
		       : "is no uid and no range of uids; write like 1000 or 1000-1999";
}

static const char *check_uid(str text)
{
	return str_has(text, '-') ? "is no uid; write a number" : check_uids(text);
}

static const char *check_build_id(str text)
{
	uint8_t id[BUILD_ID_MAX], n = 0;
	return coredump_build_id(text, id, &n) ? NULL
					       : "is no build id; write what `file` or `readelf "
						 "-n` shows, in small hex digits";
}

static const char *check_path(str text)
{
	return text.p[0] == '/' ? NULL : "is no absolute path; write it from / on";
}

static const char *const levels[] = { "triage", "strict", "full", "never", "former", NULL };
static const char *const beyond[] = { "discard", "former", NULL };
_Static_assert(WISH_TRIAGE == 0 && WISH_STRICT == 1 && WISH_FULL == 2 && WISH_NEVER == 3 &&
		       WISH_FORMER == 4,
	       "levels are in the order of enum dump_wish");

#define AT(s, m) .at = offsetof(struct s, m)
#define COUNT_AT(s, m) .count_at = offsetof(struct s, m)
#define NUMBER(m) #m, FIELD_NUMBER, true, AT(coredump_file, m)

static const struct field rule_fields[] = {
	{ "level", FIELD_CHOICE, AT(coredump_rule, level), .words = levels },
	{ "uid", FIELD_TEXT, true, AT(coredump_rule, uid), .check = check_uids },
	{ "executable", FIELD_TEXT, true, AT(coredump_rule, executable), .check = check_path },
	{ "build_id", FIELD_TEXT, true, AT(coredump_rule, build_id), .check = check_build_id },
	{ 0 },
};

static const struct field limit_fields[] = {
	{ NUMBER(core_mb), .min = 1, .max = 1 << 24 },
	{ NUMBER(dump_mb), .min = 1, .max = 1 << 24 },
	{ NUMBER(total_mb), .min = 1, .max = 1 << 24 },
	{ NUMBER(free_mb), .max = 1 << 24 },
	{ NUMBER(keep_days), .max = 3650 },
	{ NUMBER(crashes), .min = 1, .max = 100000 },
	{ NUMBER(per_s), .min = 1, .max = 86400 },
	{ NUMBER(at_once), .min = 1, .max = 64 },
	{ NUMBER(seconds), .min = 5, .max = 86400 },
	{ 0 },
};

static const struct field file_fields[] = {
	{ "level", FIELD_CHOICE, true, AT(coredump_file, level), .words = levels },
	{ "beyond_limits", FIELD_CHOICE, true, AT(coredump_file, beyond), .words = beyond },
	{ "seal_to", FIELD_TEXT, true, AT(coredump_file, seal_to), .check = check_path },
	{ "store", FIELD_TEXT, true, AT(coredump_file, store), .check = check_path },
	{ NUMBER(uid_base), .min = 1000, .max = CONFIG_UID_BASE_MAX },
	{ "limits", FIELD_SECTION, true, .at = 0, .item = limit_fields },
	{ "reports_from", FIELD_TEXTS, true, AT(coredump_file, reporters),
	  COUNT_AT(coredump_file, n_reporters), .max = DUMP_REPORTERS_MAX, .check = check_uid },
	{ "rules", FIELD_LIST, true, AT(coredump_file, rules), COUNT_AT(coredump_file, n_rules),
	  .max = DUMP_RULES_MAX, .item = rule_fields, .item_size = sizeof(struct coredump_rule) },
	{ 0 },
};

void coredump_file_defaults(struct coredump_file *ret_f)
{
	*ret_f = (struct coredump_file){
		.level = WISH_TRIAGE,
		.store = LIT(DUMP_STATE_DEFAULT "/dumps"),
		.uid_base = 59980,
		.core_mb = 256 * 1024,
		.dump_mb = 4 * 1024,
		.total_mb = 16 * 1024,
		.free_mb = 1024,
		.keep_days = 30,
		.crashes = 5,
		.per_s = 600,
		.at_once = 4,
		.seconds = 600,
	};
}

/* A build id is read when the core is on its way to the redactor: too late to hand it on. */
static ch_err former_check(const struct complaint *c, const struct node *root,
			   const struct coredump_file *f)
{
	const struct node *list = node_get(root, LIT("rules"));
	const struct node *item = list ? list->first : NULL, *by_id = NULL;
	bool former = f->level == WISH_FORMER;
	for (size_t i = 0; i < f->n_rules && item; i++, item = item->next) {
		former = former || f->rules[i].level == WISH_FORMER;
		by_id = f->rules[i].build_id.n ? item : by_id;
	}
	if (!former || !by_id)
		return CH_DONE;
	wr_lit(complain(c, by_id->line),
	       "a build id is known too late to hand crashes to the former handler; with level "
	       "former anywhere, name programs by uid or executable");
	return ch_fail(CH_E_MISMATCH, "former beside a build id", by_id->line);
}

static ch_err rules_check(const struct complaint *c, const struct node *root,
			  const struct coredump_file *f)
{
	const struct node *list = node_get(root, LIT("rules"));
	const struct node *item = list ? list->first : NULL;
	for (size_t i = 0; i < f->n_rules && item; i++, item = item->next) {
		const struct coredump_rule *r = &f->rules[i];
		if (r->uid.n || r->executable.n || r->build_id.n)
			continue;
		wr_lit(complain(c, item->line),
		       "this rule is for every crash; name uid, executable or build_id, or set "
		       "level at the top");
		return ch_fail(CH_E_MISMATCH, "a rule for everything", item->line);
	}
	return CH_DONE;
}

ch_err coredump_file_parse(str path, bytes yaml, struct wr *why, struct coredump_file *ret_f,
			   struct config_text **ret_text)
{
	const struct complaint c = { path, why };
	AUTO(config_text_done) struct config_text *text = NULL;
	struct coredump_file f;
	struct node *root = NULL;
	coredump_file_defaults(&f);
	for (size_t i = 0; i < DUMP_RULES_MAX; i++)
		f.rules[i] = (struct coredump_rule){ .level = WISH_TRIAGE };
	TRY(text_read(&c, yaml, &text, &root));
	TRY(fields_read(&c, root, file_fields, "the file", &f));
	TRY(rules_check(&c, root, &f));
	TRY(former_check(&c, root, &f));
	*ret_f = f;
	*ret_text = TAKE(text);
	return CH_DONE;
}
