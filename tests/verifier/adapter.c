/* Chancery as tests/vectors/verifier/runner.py asks any verifier: a line of JSON in, a line
 * out. Trusts the runner. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "read.h"

enum { NODES = 1 << 12, TEXTS = 1 << 19, LINE_LIMIT = 1 << 20 };

static struct json_node nodes[NODES + 1];
static uint8_t texts[TEXTS];

/* The verifier of the last line, kept while its policy is the same text. */
static struct {
	char *text;
	size_t n;
	struct asked *asked;
	bool known;
} last;

static struct asked *asked_for(const struct json_node *issuers, struct arena *a)
{
	const char *error = "";
	struct trust t;
	str text = issuers->text;
	if (last.known && str_eq(text, (str){ last.text, last.n }))
		return last.asked;
	asked_free(last.asked);
	free(last.text);
	last.text = malloc(text.n + 1);
	last.n = last.text ? text.n : 0;
	mem_copy(last.text, text.p, last.n);
	last.asked = trust_read(issuers, a, &t) ? asked_new(&t, &error) : NULL;
	last.known = true;
	return last.asked;
}

static struct answer answer_of(const struct json_node *line)
{
	struct question q;
	struct arena a;
	arena_init(&a, texts, sizeof(texts));
	const struct json_node *issuers = json_member(line, LIT("policy"));
	const struct json_node *fresh = json_member(line, LIT("fresh"));
	if (fresh && fresh->type == JSON_TRUE && !asked_begin())
		return (struct answer){ .code = "misused" };
	struct asked *asked = issuers ? asked_for(issuers, &a) : NULL;
	if (!asked)
		return (struct answer){ .code = "bad_policy" };
	return question_read(line, &a, &q) ? asked_answer(asked, &q)
					   : (struct answer){ .code = "misused" };
}

static void say_hello(void)
{
	(void)printf("{\"name\":\"%s\",\"has\":[", asked_name);
	for (size_t i = 0; asked_has[i]; i++)
		(void)printf("%s\"%s\"", i ? "," : "", asked_has[i]);
	(void)printf("]}\n");
	(void)fflush(stdout);
}

int main(void)
{
	struct json_limits limits = { .depth = 12, .members = NODES };
	char *line = NULL;
	size_t size = 0, count = 0;
	if (!asked_init() || !asked_cache())
		return 3;
	say_hello();
	for (ssize_t n = 0; (n = getline(&line, &size, stdin)) > 0;) {
		struct answer a = { .code = "misused" };
		bytes text = { (uint8_t *)line, (size_t)n };
		if (n < LINE_LIMIT && !failed(json_parse(text, limits, nodes, NODES + 1, &count)))
			a = answer_of(nodes);
		bool accepted = strcmp(a.code, "accepted") == 0;
		(void)printf("{\"verdict\":\"%s\",\"code\":\"%s\"%s%s%s}\n",
			     accepted ? "accept" : "refuse", a.code,
			     accepted ? ",\"realm\":\"" : "", a.realm, accepted ? "\"" : "");
		(void)fflush(stdout);
	}
	asked_free(last.asked);
	free(last.text);
	free(line);
	return 0;
}
