/* Shared by the decoders of this folder. */
#pragma once
#include "base/rw.h"

/* All was read, nothing is left, no limit was passed; else E_PROTOCOL. */
static inline ch_err wire_done(const struct rd *r)
{
	return rd_end(r) ? CH_DONE
			 : ch_fail(CH_E_PROTOCOL, "a message is not well formed", rd_left(r));
}

enum { WIRE_PATH_MAX = 512, WIRE_SECRET_MAX = 256 };

/* u16 count, then str16 each; of what is read, each is at most URL_MAX_BYTES long. */
void wire_texts_write(struct wr *w, const str *texts, size_t n);
size_t wire_texts_read(struct rd *r, str *texts, size_t max);

/* u16 count, then each; rules has room for DUMP_RULES_MAX. */
struct dump_rule;
void wire_rules_write(struct wr *w, const struct dump_rule *rules, size_t n);
size_t wire_rules_read(struct rd *r, struct dump_rule *rules);
