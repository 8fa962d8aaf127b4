/* Run while this is built: prints the compiled databases as C. Trusts the table; reads
 * nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "text_engine.h"

static int print(enum text_side side, const char *name)
{
	hs_database_t *db = NULL;
	char *p = NULL;
	size_t n = 0;
	ch_err e = text_compile(side, &db);
	if (failed(e)) {
		fprintf(stderr, "%s: %s: %llu\n", name, e.site->what, (unsigned long long)e.detail);
		return 1;
	}
	int bad = hs_serialize_database(db, &p, &n) != HS_SUCCESS;
	printf("static const uint8_t %s[%zu] = {", name, n);
	for (size_t i = 0; i < n; i++)
		printf(i % 20 ? "%u," : "\n%u,", (unsigned)(uint8_t)p[i]);
	printf("\n};\n");
	free(p);
	hs_free_database(db);
	return bad;
}

int main(void)
{
	printf("/* Made by src/redact/text_gen.c from its table. */\n#include \"text_engine.h\"\n");
	int bad = print(TEXT_SIDE_BINARY, "binary") | print(TEXT_SIDE_TEXT, "text");
	printf("const bytes text_compiled[TEXT_SIDE_COUNT] = {\n"
	       "\t[TEXT_SIDE_BINARY] = { binary, sizeof(binary) },\n"
	       "\t[TEXT_SIDE_TEXT] = { text, sizeof(text) },\n};\n");
	return bad;
}
