/* Run while this is built: prints the compiled patterns and the table of their fragments as C.
 * Trusts both tables; reads nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "text_engine.h"
#include "text_gate.h"

static void print_bytes(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf(i % 20 ? "%u," : "\n%u,", (unsigned)p[i]);
}

static int print_patterns(void)
{
	hs_database_t *db = NULL;
	char *p = NULL;
	size_t n = 0;
	ch_err e = text_compile(&db);
	if (failed(e)) {
		fprintf(stderr, "%s: %llu\n", e.site->what, (unsigned long long)e.detail);
		return 1;
	}
	int bad = hs_serialize_database(db, &p, &n) != HS_SUCCESS;
	printf("static const uint8_t patterns[%zu] = {", n);
	print_bytes((const uint8_t *)p, n);
	printf("\n};\nconst bytes text_compiled = { patterns, sizeof(patterns) };\n");
	free(p);
	hs_free_database(db);
	return bad;
}

static void print_halves(const char *name, uint8_t all[GATE_PLACES][GATE_SETS][16])
{
	printf(".%s = {\n", name);
	for (size_t k = 0; k < GATE_PLACES; k++) {
		printf("{");
		for (size_t s = 0; s < GATE_SETS; s++) {
			printf("{");
			print_bytes(all[k][s], 16);
			printf("},");
		}
		printf("},\n");
	}
	printf("},\n");
}

static void print_gate(void)
{
	static struct gate_table t;
	gate_make(&t);
	printf("const struct gate_table text_gate_made = {\n");
	print_halves("low", t.low);
	print_halves("high", t.high);
	printf(".grams = {");
	for (size_t i = 0; i < COUNT_OF(t.grams); i++)
		printf("%s0x%llx,", i % 6 ? "" : "\n", (unsigned long long)t.grams[i]);
	printf("},\n.first = {");
	print_bytes(t.first, sizeof(t.first));
	printf("},\n.words = {\n");
	for (size_t i = 0; i < t.first[GATE_BUCKETS]; i++)
		printf("{ 0x%llx, 0x%llx, %llu },\n", (unsigned long long)t.words[i].mask,
		       (unsigned long long)t.words[i].want, (unsigned long long)t.words[i].at);
	printf("} };\n");
}

int main(void)
{
	printf("/* Made by src/redact/text_gen.c from its tables. */\n"
	       "#include \"text_engine.h\"\n#include \"text_gate.h\"\n");
	print_gate();
	return print_patterns();
}
