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

static bool word_keep(const char *word, const char **ret_words, size_t max, size_t *n)
{
	if (*n == max) {
		say("one too many", str_from_c(word));
		return false;
	}
	ret_words[(*n)++] = word;
	return true;
}

bool options_and_words(int argc, char **argv, const struct option_spec *specs, size_t n,
		       const char **ret_words, size_t max, size_t *ret_n)
{
	bool only_words = false;
	*ret_n = 0;
	for (int i = 1; i < argc; i++) {
		str word = str_from_c(argv[i]);
		if (only_words || !str_starts(word, LIT("--"))) {
			if (!word_keep(argv[i], ret_words, max, ret_n))
				return false;
			continue;
		}
		only_words = word.n == 2;
		if (only_words)
			continue;
		const struct option_spec *spec = spec_find(specs, n, word);
		int end = spec && !spec->flag && i + 1 < argc ? i + 2 : i + 1;
		if (!options_read(end, argv, i, specs, n))
			return false;
		i = end - 1;
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
