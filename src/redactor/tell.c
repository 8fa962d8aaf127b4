/* What was done to the dump, for the packer or the command line: the report in pieces, and the
 * last word. Paths of the core are masked as in its notes before anybody sees them. */
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "redactor_internal.h"

static ch_err sink_put(struct core_sink *sink, bytes b)
{
	struct out_sink *s = (struct out_sink *)sink;
	s->size += b.n;
	return s->quiet ? CH_DONE : record_put(s->records, b);
}

static ch_err sink_fill(struct core_sink *sink, uint8_t with, uint64_t n)
{
	struct out_sink *s = (struct out_sink *)sink;
	s->size += n;
	s->zero_bytes += with == 0 ? n : 0;
	return s->quiet ? CH_DONE : record_fill(s->records, with, n);
}

void out_sink_init(struct out_sink *s, struct record_writer *records, bool quiet)
{
	*s = (struct out_sink){ { sink_put, sink_fill }, records, quiet, 0, 0 };
}

/* --- names --------------------------------------------------------------------------- */

struct names {
	struct place_names names;
	const struct core_head *head;
	char room[256];
};

static void free_text(char **p)
{
	free(*p);
}

static str last_part(str path)
{
	size_t from = path.n;
	while (from > 0 && path.p[from - 1] != '/')
		from--;
	return str_sub(path, from, path.n - from);
}

/* A masked path, as much of its end as there is room for. */
static str shown(char *room, size_t cap, str path)
{
	AUTO(free_text) char *copy = malloc(path.n + 1);
	if (!copy)
		return (str){ room, 0 };
	mem_copy(copy, path.p, path.n);
	core_path_mask(copy, path.n);
	size_t n = path.n < cap ? path.n : cap;
	mem_copy(room, copy + path.n - n, n);
	return (str){ room, n };
}

static void name(struct place_names *names, uint64_t addr, str *ret_mapping, str *ret_symbol)
{
	struct names *n = (struct names *)names;
	const struct core_file *f = core_file_at(n->head, addr);
	*ret_symbol = (str){ "", 0 };
	*ret_mapping = f ? last_part(shown(n->room, sizeof(n->room), f->path)) : (str){ "", 0 };
}

/* --- facts --------------------------------------------------------------------------- */

static ch_err is_cut(struct work *w)
{
	off_t size = w->config->duty == REDACT_CRASH ? -1 : lseek(CORE_FD, 0, SEEK_END);
	if (size >= 0 && (uint64_t)size < w->head.map.size)
		report_flaw(w->report, FLAW_CUT, w->head.map.size - (uint64_t)size);
	return CH_DONE;
}

static ch_err facts(struct work *w, char *path_room, size_t path_cap, struct wr *id)
{
	struct report_facts *f = &w->facts;
	const struct core_file *exe = core_file_at(&w->head, w->head.auxv_phdr);
	if (!exe)
		exe = core_file_at(&w->head, w->head.auxv_entry);
	if (w->head.threads_left_out)
		report_flaw(w->report, FLAW_THREADS, w->head.threads_left_out);
	if (w->head.map.left_out)
		report_flaw(w->report, FLAW_SEGMENTS, w->head.map.left_out);
	wr_hex(id, (bytes){ w->build_id, w->build_id_n });
	f->signal = w->config->signal ? w->config->signal : w->head.signal;
	f->threads = w->head.n_threads;
	f->size_bytes = w->out.size;
	f->zero_bytes = w->out.zero_bytes;
	f->executable = exe ? shown(path_room, path_cap, exe->path) : (str){ "", 0 };
	f->build_id = wr_text(id);
	report_set(w->report, f);
	return is_cut(w);
}

static void free_json(uint8_t **p)
{
	free(*p);
}

ch_err tell(struct work *w)
{
	AUTO(free_json) uint8_t *room = malloc(REPORT_TEXT_MAX);
	char path[1024];
	uint8_t id_room[2 * BUILD_ID_MAX];
	struct wr id = wr_of(id_room, sizeof(id_room));
	struct names names = { .names = { name }, .head = &w->head };
	if (!room)
		return ch_fail(CH_E_NOMEM, "no memory for a report", REPORT_TEXT_MAX);
	struct wr json = wr_of(room, REPORT_TEXT_MAX);
	TRY(facts(w, path, sizeof(path), &id));
	report_json(w->report, &names.names, &json);
	TRY(wr_done(&json));
	TRY(record_report(&w->records, wr_bytes(&json)));
	/* a packer drops what is not whole; of a crash that is what was cut. Other flaws stand in
	 * the report, for who reads it */
	bool whole = w->config->duty == REDACT_CRASH ? !report_cut(w->report)
						     : report_whole(w->report);
	return record_end(&w->records, whole, report_secrets(w->report));
}
