/* The crash report, made from outside: build id, signal, place as module + offset, step
 * and counters. No register but rip, no fault address, no stack: they can hold a key.
 * All of the status page is the signer's word, so each number is printed as a number
 * and each name only as far as it is a plain file name. */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/path.h"
#include "warden_internal.h"
#include "wire/boot.h"

static void line_str(struct wr *w, str name, str value)
{
	wr_str(w, name);
	wr_lit(w, ": ");
	wr_str(w, value);
	wr_char(w, '\n');
}

static void line_dec(struct wr *w, str name, uint64_t value)
{
	wr_str(w, name);
	wr_lit(w, ": ");
	wr_dec(w, value);
	wr_char(w, '\n');
}

static void module_write(struct wr *w, const struct status_module *m, uint64_t rip)
{
	uint8_t be[8];
	str name = { m->name, strnlen(m->name, sizeof(m->name)) };
	uint64_t at = rip - m->start + m->offset;
	for (size_t i = 0; i < sizeof(be); i++)
		be[i] = (uint8_t)(at >> (56 - 8 * i));
	wr_lit(w, "where: ");
	wr_str(w, name_ok(name, sizeof(m->name)) ? name : LIT("unnamed"));
	wr_lit(w, "+0x");
	wr_hex(w, BYTES_OF(be));
	wr_lit(w, "\nmodule build id: ");
	wr_hex(w, BYTES_OF(m->build_id));
	wr_char(w, '\n');
}

static void where_write(struct wr *w, volatile const struct signer_status *status, uint64_t rip)
{
	struct status_module m;
	uint32_t n = status->n_modules;
	for (uint32_t i = 0; rip && i < n && i < STATUS_MODULES; i++) {
		/* a copy: the page may change under us */
		mem_copy(&m, (const void *)(uintptr_t)&status->modules[i], sizeof(m));
		if (rip >= m.start && rip < m.end) {
			module_write(w, &m, rip);
			return;
		}
	}
	line_str(w, LIT("where"), rip ? LIT("outside of known modules") : LIT("not known"));
}

static str typ_name(uint32_t typ)
{
	return typ == 1 ? LIT("access token") : typ == 2 ? LIT("id token") : LIT("none");
}

void report_write(struct wr *w, const struct held *h, int signal, uint64_t rip)
{
	volatile const struct signer_status *s = h->status;
	const char *abbrev = sigabbrev_np(signal);
	line_str(w, LIT("program"), LIT("chancery-signer"));
	line_str(w, LIT("build"), boot_build());
	line_str(w, LIT("group"), (str){ h->name, h->name_n });
	line_dec(w, LIT("pid"), (uint64_t)h->pid);
	line_dec(w, LIT("time"), (uint64_t)clock_unix_s());
	line_str(w, LIT("signal"), abbrev ? str_from_c(abbrev) : LIT("unknown"));
	where_write(w, s, rip);
	line_str(w, LIT("step"), signer_step_name(s->step));
	line_str(w, LIT("request"), typ_name(s->typ));
	line_dec(w, LIT("batches"), s->batches);
	line_dec(w, LIT("signed"), s->signed_tokens);
	line_dec(w, LIT("refused"), s->refused);
}
