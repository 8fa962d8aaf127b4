/* A dump at triage: what is kept of it is little, so all of it is read while the process
 * waits, and then the process is let go. */
#include <unistd.h>

#include "base/file.h"
#include "redact/triage.h"
#include "redactor_internal.h"

ch_err read_notes(struct work *w)
{
	if (w->notes_read)
		return CH_DONE;
	w->notes_read = true;
	ch_err e = core_notes_read(&w->in.input, &w->head, NULL);
	if (ch_code_of(e) != CH_E_TRUNCATED)
		return e;
	report_flaw(w->report, FLAW_CUT, 1);
	return CH_DONE;
}

static void flaws(struct work *w, const struct triage_result *r, size_t missing_files)
{
	if (r->unread)
		report_flaw(w->report, FLAW_UNREAD, r->unread);
	if (r->cut_threads)
		report_flaw(w->report, FLAW_THREADS, r->cut_threads);
	if (r->unseen_code || missing_files)
		report_flaw(w->report, FLAW_NO_TEXT, r->unseen_code);
	w->facts.kept_bytes = r->kept_bytes;
	w->facts.masked_bytes = -r->kept_bytes;
	for (size_t i = 0; i < w->head.map.n; i++)
		w->facts.masked_bytes += w->head.map.loads[i].file_size;
}

static ch_err from_life(struct work *w)
{
	struct code_live code;
	struct triage_result r = { 0 };
	TRY(vdso_judge(&w->head, w->memory));
	code_live_init(&code, &w->head, MEM_FD);
	TRY(triage_write(&w->head, w->memory, &code.memory, &w->out.sink, &r));
	flaws(w, &r, 0);
	int stream = CORE_FD;
	fd_close(&stream);
	return CH_DONE;
}

static ch_err from_file(struct work *w)
{
	struct asker asker;
	AUTO(code_files_done) struct code_files *code = NULL;
	struct triage_result r = { 0 };
	size_t wanted = 0, missing = 0;
	asker_init(&asker);
	TRY(core_files_find_code(&w->head, w->memory));
	TRY(code_files_new(&w->head, w->memory, &asker.opener, &code));
	TRY(triage_write(&w->head, w->memory, code_files_memory(code), &w->out.sink, &r));
	code_files_count(code, &wanted, &missing);
	flaws(w, &r, missing);
	return CH_DONE;
}

ch_err keep_small(struct work *w)
{
	w->facts.level = LEVEL_TRIAGE;
	TRY(read_notes(w));
	if (w->config->duty == REDACT_CRASH)
		return from_life(w);
	return from_file(w);
}
