/* A page that is taken can be read row by row to its end, in order; a question that is taken is
 * written back as it came, but for what it may leave out. */
#include <assert.h>

#include "revoke/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t room[REVOKE_QUERY_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct revoke_page p;
	struct revoke_row row;
	struct revoke_ask a;
	uint64_t least = 0;
	if (!failed(revoke_page_read((bytes){ data, size }, &p))) {
		while (p.count > 0) {
			assert(revoke_page_cut(&p, &row));
			assert(row.seq >= least && row.seq < p.next.seq);
			least = row.seq + 1;
		}
		assert(!revoke_page_cut(&p, &row) && p.records.n == 0);
	}
	if (!failed(revoke_ask_read((str){ (const char *)data, size }, &a))) {
		revoke_ask_write(&w, &a);
		assert(!w.full && str_starts(wr_text(&w), (str){ (const char *)data, size }));
	}
	return 0;
}
