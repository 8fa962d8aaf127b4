/* Reading options. Secrets are never among them: a file is named, or standard input. */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "say.h"

static const struct option_spec *spec_find(const struct option_spec *specs, size_t n, str name)
{
	bool word = !str_starts(name, LIT("-")) || name.n == 1;
	for (size_t i = 0; i < n; i++)
		if (specs[i].name ? str_eq(str_from_c(specs[i].name), name) : word)
			return &specs[i];
	return NULL;
}

static bool list_add(struct wr *w, str item)
{
	if (item.n == 0 || str_has(item, ' ')) {
		say("neither empty nor with blanks may this be", item);
		return false;
	}
	if (w->n > 0)
		wr_char(w, ' ');
	wr_str(w, item);
	return !w->full;
}

static bool value_set(const struct option_spec *spec, const char *value)
{
	if (spec->list)
		return list_add(spec->list, str_from_c(value));
	if (*spec->value) {
		say(spec->name ? "given twice" : "one too many",
		    str_from_c(spec->name ? spec->name : value));
		return false;
	}
	*spec->value = value;
	return true;
}

bool options_read(int argc, char **argv, int from, const struct option_spec *specs, size_t n)
{
	for (int i = from; i < argc; i++) {
		const struct option_spec *spec = spec_find(specs, n, str_from_c(argv[i]));
		if (!spec) {
			say("no such option here", str_from_c(argv[i]));
			return false;
		}
		if (!spec->name && !value_set(spec, argv[i]))
			return false;
		if (!spec->name)
			continue;
		if (spec->flag) {
			*spec->flag = true;
			continue;
		}
		if (i + 1 == argc) {
			say("needs an argument", str_from_c(argv[i]));
			return false;
		}
		if (!value_set(spec, argv[++i]))
			return false;
	}
	return true;
}

static bool word_keep(const char *word, struct word_list *words)
{
	if (words->n == words->max) {
		say("one too many", str_from_c(word));
		return false;
	}
	words->p[words->n++] = word;
	return true;
}

/* How many arguments the option at `at` takes up, itself counted; 0: it is wrong. */
static int option_take(int argc, char **argv, int at, const struct option_spec *specs, size_t n)
{
	const struct option_spec *spec = spec_find(specs, n, str_from_c(argv[at]));
	int end = spec && !spec->flag && at + 1 < argc ? at + 2 : at + 1;
	return options_read(end, argv, at, specs, n) ? end - at : 0;
}

/* "--" with a name, or "-" and a letter that is an option here. */
static bool is_option(str word, const struct option_spec *specs, size_t n)
{
	const struct option_spec *spec = NULL;
	if (word.n == 2 && word.p[0] == '-' && word.p[1] != '-')
		spec = spec_find(specs, n, word);
	return str_starts(word, LIT("--")) || (spec && spec->name);
}

bool options_and_words(int argc, char **argv, const struct option_spec *specs, size_t n,
		       struct word_list *words)
{
	bool only_words = false;
	words->n = 0;
	for (int i = 1, took = 1; i < argc; i += took) {
		took = 1;
		bool option = !only_words && is_option(str_from_c(argv[i]), specs, n);
		if (!option)
			took = word_keep(argv[i], words);
		else if (!str_eq(str_from_c(argv[i]), LIT("--")))
			took = option_take(argc, argv, i, specs, n);
		else
			only_words = true;
		if (!took)
			return false;
	}
	return true;
}

ch_err first_line_read(const char *name, void *storage, size_t cap, str *ret_line)
{
	AUTO(fd_close) int opened = -1;
	int fd = STDIN_FILENO;
	size_t n = 0;
	if (!str_eq(str_from_c(name), LIT("-"))) {
		opened = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (opened < 0)
			return ch_fail(CH_E_IO, "cannot open the file", errno);
		fd = opened;
	}
	TRY(fd_read_all(fd, storage, cap, &n));
	str left = { storage, n };
	str line = str_cut(&left, '\n');
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n == 0)
		return ch_fail(CH_E_MISSING, "the first line is empty", 0);
	*ret_line = line;
	return CH_DONE;
}

bool options_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (str_eq(str_from_c(argv[i]), LIT("--help")) ||
		    str_eq(str_from_c(argv[i]), LIT("-h")))
			return true;
	return false;
}
