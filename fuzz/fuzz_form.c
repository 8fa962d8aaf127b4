/* A parsed form, written and parsed again, is the same form. */
#include <assert.h>

#include "codec/form.h"
#include "codec/json.h"
#include "unwritten.h"

enum { TEXT = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[TEXT], room_again[TEXT], text[TEXT];
	struct arena a, b;
	struct form f, g;
	unwritten(room, sizeof(room));
	unwritten(text, sizeof(text));
	arena_init(&a, room, sizeof(room));
	arena_init(&b, room_again, sizeof(room_again));
	if (size > TEXT / 16 || failed(form_parse(str_of_bytes((bytes){ data, size }), &a, &f)))
		return 0;
	struct wr w = wr_of(text, sizeof(text));
	for (size_t i = 0; i < f.n; i++) {
		assert(utf8_ok(f.fields[i].name) && utf8_ok(f.fields[i].value));
		assert(f.fields[i].name.n && !str_has(f.fields[i].value, '\0'));
		form_write(&w, f.fields[i].name, f.fields[i].value);
	}
	assert(!w.full && !failed(form_parse(wr_text(&w), &b, &g)) && g.n == f.n);
	for (size_t i = 0; i < f.n; i++)
		assert(str_eq(form_get(&g, f.fields[i].name), form_get(&f, f.fields[i].name)));
	return 0;
}
