/* Options of a command: long names, each with its place. */
#pragma once
#include "base/rw.h"

struct option_spec {
	const char *name;   /* "--realm"; NULL: a word that is no option */
	const char **value; /* takes an argument; once */
	struct wr *list;    /* takes one each time: items with a blank between them */
	bool *flag;         /* takes none */
};

/* Reads argv from `from` on. False when something is not an option of these, lacks its
 * argument, or is given twice; what it is was said. */
bool options_read(int argc, char **argv, int from, const struct option_spec *specs, size_t n);
/* Words among options, in order: room for max of them, the caller's. */
struct word_list {
	const char **p;
	size_t max;
	size_t n;
};
/* The same where words, that neither begin with "--" nor are one of specs, stand among the
 * options. After "--" all are words. */
bool options_and_words(int argc, char **argv, const struct option_spec *specs, size_t n,
		       struct word_list *words);
/* The first line of a file, or of standard input when name is "-", without its line
 * end; into storage. E_MISSING when it is empty. For secrets: the caller wipes storage. */
ch_err first_line_read(const char *name, void *storage, size_t cap, str *ret_line);
/* Does one of the arguments ask for help? */
bool options_help(int argc, char **argv);
