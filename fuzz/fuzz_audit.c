/* What reads as a record of the audit is written back as the same bytes. */
#include <assert.h>

#include "wire/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t room[AUDIT_RECORD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct audit_intent i;
	struct audit_outcome o;
	if (!failed(audit_intent_read((bytes){ data, size }, &i))) {
		audit_intent_write(&w, &i);
		assert(!w.full && bytes_eq(wr_bytes(&w), (bytes){ data, size }));
	}
	w = wr_of(room, sizeof(room));
	if (!failed(audit_outcome_read((bytes){ data, size }, &o))) {
		audit_outcome_write(&w, &o);
		assert(!w.full && bytes_eq(wr_bytes(&w), (bytes){ data, size }));
	}
	return 0;
}
