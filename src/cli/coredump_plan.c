/* Policy, key and files as the handler shall have them. All that is looked up by name is looked
 * up here, once: the handler goes by what was found. */
#include "coredump_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "dumpstore/sealed.h"
#include "libexec.h"
#include "say.h"

enum { KEY_FILE_MAX = 4096, LINUX_6_16 = 6016, LINUX_6_17 = 6017 };
#define POLICY_DEFAULT "/etc/chancery/coredump.yaml"
#define MB ((uint64_t)1024 * 1024)

static const str mode_names[DUMP_MODE_COUNT] = { { "socket", 6 },
						 { "socket-legacy", 13 },
						 { "pipe", 4 } };

str install_mode_name(enum dump_mode mode)
{
	return mode_names[mode];
}

void install_plan_done(struct install_plan *p)
{
	config_text_done(&p->text);
}

static int read_policy(const struct install_wish *w, struct install_plan *p)
{
	static char yaml[CONFIG_FILE_MAX + 1], why_room[CONFIG_WHY_MAX];
	str path = str_from_c(w->file ? w->file : POLICY_DEFAULT);
	struct wr why = wr_of(why_room, sizeof(why_room));
	size_t n = 0;
	ch_err e = file_read(AT_FDCWD, path.p, yaml, sizeof(yaml), &n);
	if (ch_code_of(e) == CH_E_NOT_FOUND && !w->file) {
		coredump_file_defaults(&p->file);
		return EXIT_YES;
	}
	if (failed(e))
		return say_trouble("coredump install: cannot read", path, e);
	e = coredump_file_parse(path, (bytes){ (uint8_t *)yaml, n }, &why, &p->file, &p->text);
	if (!failed(e))
		return EXIT_YES;
	say("coredump install", wr_text(&why));
	return EXIT_NO;
}

static int read_key(const struct install_wish *w, struct install_plan *p)
{
	uint8_t text[KEY_FILE_MAX];
	size_t n = 0;
	struct dump_public_key key;
	char whole[PATH_MAX];
	str name = w->seal_to ? str_from_c(w->seal_to) : p->file.seal_to;
	if (name.n == 0) {
		say("coredump install: no key to seal dumps to; make a pair elsewhere with "
		    "`chancery coredump keygen`, bring its public half, and name it by --seal-to "
		    "or seal_to",
		    (str){ NULL, 0 });
		return EXIT_NO;
	}
	ch_err e = path_of(&p->seal_to, name);
	if (!failed(e) && !realpath(p->seal_to.p, whole))
		e = ch_fail(CH_E_IO, "cannot find it", errno);
	if (!failed(e))
		e = path_of(&p->seal_to, str_from_c(whole));
	if (!failed(e))
		e = file_read(AT_FDCWD, p->seal_to.p, text, sizeof(text), &n);
	if (!failed(e))
		e = dump_public_key_read((bytes){ text, n }, &key);
	if (failed(e))
		return say_trouble("coredump install: no public key in", name, e);
	mem_copy(p->settings.public_key, key.p, sizeof(key.p));
	return EXIT_YES;
}

static int rule_of(const struct coredump_rule *from, struct dump_rule *to)
{
	struct path path;
	struct stat st = { 0 };
	*to = (struct dump_rule){ .wish = (enum dump_wish)from->level };
	if (from->uid.n > 0)
		to->has_uid = coredump_uids(from->uid, &to->uid_from, &to->uid_to);
	if (from->build_id.n > 0)
		to->has_build_id = coredump_build_id(from->build_id, to->build_id, &to->build_id_n);
	if (from->executable.n == 0)
		return EXIT_YES;
	ch_err e = path_of(&path, from->executable);
	if (!failed(e) && stat(path.p, &st) != 0)
		e = ch_fail(CH_E_IO, "it cannot be found", errno);
	if (!failed(e) && !S_ISREG(st.st_mode))
		e = ch_fail(CH_E_MISMATCH, "it is no regular file", 0);
	if (failed(e)) {
		(void)say_trouble("coredump install: a rule is about", from->executable, e);
		return EXIT_NO;
	}
	to->has_file = true;
	to->device = st.st_dev;
	to->inode = st.st_ino;
	return EXIT_YES;
}

static void limits_of(const struct coredump_file *f, struct dump_limits *l)
{
	*l = (struct dump_limits){ .core_bytes = f->core_mb * MB,
				   .file_bytes = f->dump_mb * MB,
				   .total_bytes = f->total_mb * MB,
				   .free_bytes = f->free_mb * MB,
				   .keep_days = f->keep_days,
				   .crashes = f->crashes,
				   .per_s = f->per_s,
				   .at_once = f->at_once,
				   .seconds = f->seconds };
}

static int settings_of(struct install_plan *p)
{
	struct dump_settings *s = &p->settings;
	const struct coredump_file *f = &p->file;
	ch_err e = libexec_folder(&p->libexec);
	if (!failed(e))
		e = path_of(&p->store, f->store);
	if (failed(e))
		return say_trouble("coredump install: cannot name its folders", (str){ NULL, 0 },
				   e);
	s->libexec = str_from_c(p->libexec.p);
	s->store = str_from_c(p->store.p);
	s->uid_base = f->uid_base;
	s->wish = (enum dump_wish)f->level;
	s->beyond_to_former = f->beyond == 1;
	limits_of(f, &s->limits);
	s->n_reporters = f->n_reporters;
	for (size_t i = 0; i < f->n_reporters; i++) {
		uint64_t uid = 0;
		(void)str_to_u64(f->reporters[i], UINT32_MAX, &uid);
		s->reporters[i] = (uint32_t)uid;
	}
	s->n_rules = f->n_rules;
	for (size_t i = 0; i < f->n_rules; i++) {
		int status = rule_of(&f->rules[i], &s->rules[i]);
		if (status != EXIT_YES)
			return status;
	}
	return EXIT_YES;
}

/* Without a policy of its own, a state elsewhere has its store there too. */
static int store_of(const struct install_wish *w, struct install_plan *p)
{
	static struct path beside;
	if (!w->state || !str_eq(p->file.store, LIT(DUMP_STATE_DEFAULT "/dumps")))
		return EXIT_YES;
	ch_err e = path_join(&beside, str_from_c(w->state), LIT("dumps"), (str){ NULL, 0 });
	if (failed(e))
		return say_trouble("coredump install: cannot name the store", (str){ NULL, 0 }, e);
	p->file.store = str_from_c(beside.p);
	return EXIT_YES;
}

int install_plan_make(const struct install_wish *w, struct install_plan *p)
{
	int status = read_policy(w, p);
	if (status == EXIT_YES)
		status = store_of(w, p);
	if (status == EXIT_YES)
		status = read_key(w, p);
	return status == EXIT_YES ? settings_of(p) : status;
}

int install_plan_modes(const struct install_wish *w, enum dump_mode modes[static DUMP_MODE_COUNT],
		       size_t *ret_n)
{
	/* an older kernel takes "@/path" for the name of a file: never try it there */
	static const unsigned since[DUMP_MODE_COUNT] = { LINUX_6_17, LINUX_6_16, 0 };
	unsigned version = kernel_version();
	size_t n = 0;
	bool known = false;
	for (unsigned i = 0; i < DUMP_MODE_COUNT; i++) {
		bool wished = !w->mode || str_eq(str_from_c(w->mode), mode_names[i]);
		known = known || wished;
		if (wished && version >= since[i])
			modes[n++] = (enum dump_mode)i;
	}
	*ret_n = n;
	if (n > 0)
		return EXIT_YES;
	if (known)
		say("coredump install: this kernel is too old for that mode; leave out --mode",
		    str_from_c(w->mode));
	else
		say("coredump install: no such mode; socket, socket-legacy or pipe",
		    str_from_c(w->mode));
	return known ? EXIT_NO : EXIT_USAGE;
}

ch_err install_plan_mode(struct install_plan *p, enum dump_mode mode, const char *state)
{
	static const char *const before[DUMP_MODE_COUNT] = { "@@", "@", "|" };
	struct wr w = wr_of(p->pattern_room, CORE_PATTERN_MAX);
	wr_str(&w, str_from_c(before[mode]));
	if (mode == DUMP_MODE_PIPE) {
		wr_str(&w, p->settings.libexec);
		wr_lit(&w, "/coredump crash ");
	}
	wr_str(&w, str_from_c(state));
	if (mode != DUMP_MODE_PIPE)
		wr_lit(&w, "/" DUMP_SOCKET_CORE);
	else
		wr_str(&w, kernel_version() >= LINUX_6_16 ? LIT(" %P %s %F") : LIT(" %P %s"));
	if (w.full)
		return ch_fail(CH_E_FULL, "the paths are too long for core_pattern",
			       CORE_PATTERN_MAX);
	p->settings.mode = mode;
	p->settings.pattern = wr_text(&w);
	p->settings.pipe_limit = p->settings.limits.at_once;
	return CH_DONE;
}
