/* chancery-redactor: takes the secrets out of one crash dump. It reads what a hostile program
 * left behind, so it has descriptors alone: the core, the memory of the process that waits,
 * a pipe for what it has to say. It trusts its configuration and nothing else; it opens
 * nothing, connects nowhere, and never writes a byte of the dump but through a level. */
#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "beside/beside.h"
#include "crypto/key.h"
#include "fingerprint/fingerprint.h"
#include "redactor_internal.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"

enum { EXIT_DONE = 0, EXIT_NEVER = 1, EXIT_TROUBLE = 3 };

static uint8_t boot_storage[BOOT_MAX];
static _Alignas(CORE_PAGE) uint8_t lent_room[RECORD_LENT_ROOMS * RECORD_LENT_SIZE];
static struct redactor_config config;

/* What nobody may find in a dump, whatever it looks like; see fingerprint.h. */
static ch_err read_registered(struct work *w)
{
	static uint8_t room[FINGERPRINTS_BYTES_MAX];
	size_t n = 0;
	if (!config.has_registered)
		return CH_DONE;
	int fd = config.duty == REDACT_CRASH ? (int)CRASH_REGISTERED_FD : (int)FILE_REGISTERED_FD;
	TRY(fd_read_all(fd, room, sizeof(room), &n));
	return fingerprints_read((bytes){ room, n }, &w->registered);
}

static ch_err open_memory(struct work *w)
{
	w->memory = &w->live.memory;
	w->memory_too = &w->live_too.memory;
	if (w->config->duty == REDACT_CRASH) {
		memory_live_init(&w->live, &w->head.map, MEM_FD, PAGEMAP_FD);
		memory_live_init(&w->live_too, &w->head.map, MEM_FD, PAGEMAP_FD);
		return CH_DONE;
	}
	w->memory = &w->file.memory;
	w->memory_too = &w->file_too.memory;
	TRY(read_notes(w));
	TRY(memory_file_init(&w->file_too, &w->head.map, CORE_FD));
	return memory_file_init(&w->file, &w->head.map, CORE_FD);
}

/* Of the file that ran: as the opener opened it, or as a core that is a file says. */
static ch_err find_build_id(struct work *w)
{
	if (w->config->duty == REDACT_CRASH)
		return build_id_of_fd(EXE_FD, w->build_id, &w->build_id_n);
	const struct core_file *f = core_file_at(&w->head, w->head.auxv_phdr);
	return f ? build_id_of_memory(w->memory, f->from - f->offset, w->build_id, &w->build_id_n)
		 : CH_DONE;
}

static bool may_be_large(const struct redactor_config *c)
{
	bool large = c->wish == WISH_STRICT || c->wish == WISH_FULL;
	for (size_t i = 0; i < c->n_rules; i++)
		large |= c->rules[i].wish == WISH_STRICT || c->rules[i].wish == WISH_FULL;
	return large;
}

/* A level that cannot be done becomes triage, as long as nothing was written. */
static ch_err keep(struct work *w, enum dump_wish wish)
{
	if (wish == WISH_TRIAGE)
		return keep_small(w);
	ch_err e = ch_fail(CH_E_LIMIT, "the core is too large for this level", w->head.map.size);
	if (w->config->size_max == 0 || w->head.map.size <= w->config->size_max)
		e = keep_large(w, wish == WISH_FULL ? LEVEL_FULL : LEVEL_STRICT);
	bool too_much = ch_code_of(e) == CH_E_LIMIT || ch_code_of(e) == CH_E_NOMEM;
	if (!too_much || w->out.size > 0 || w->config->duty == REDACT_SCAN)
		return e;
	report_flaw(w->report, FLAW_LEVEL, 1);
	return keep_small(w);
}

static ch_err work(struct work *w, bool *ret_never)
{
	ch_err e = core_segments_read(&w->in.input, &w->head);
	if (ch_code_of(e) == CH_E_UNSUPPORTED) {
		report_flaw(w->report, FLAW_UNSUPPORTED, 1);
		return tell(w);
	}
	TRY(e);
	TRY(open_memory(w));
	TRY(find_build_id(w));
	enum dump_wish wish = wish_of(w->config, (bytes){ w->build_id, w->build_id_n });
	*ret_never = wish == WISH_NEVER;
	if (*ret_never)
		return CH_DONE;
	TRY(keep(w, wish));
	return tell(w);
}

static void work_done(struct work *w)
{
	beside_done(&w->beside);
	finders_done(&w->finders);
	finders_done(&w->finders_too);
	fingerprints_done(&w->registered);
	report_done(&w->report);
	core_head_done(&w->head);
}

static ch_err run(bool *ret_never)
{
	AUTO(work_done) struct work w = { .config = &config };
	bytes text = { 0 };
	TRY(boot_read(LIT("redactor"), boot_storage, sizeof(boot_storage), &text));
	TRY(redactor_config_read(text, &config));
	TRY(crypto_init(NULL));
	bool large = may_be_large(&config);
	if (large) {
		TRY(finders_new(&w.finders));
		TRY(finders_new(&w.finders_too));
	}
	TRY(read_registered(&w));
	record_writer_init(&w.records, RECORDS_FD, lent_room);
	record_writer_lend(&w.records, lent_room);
	TRY(confine(&config, large ? &w.beside : NULL));
	TRY(report_new(&w.report));
	if (config.registry_silent)
		report_flaw(w.report, FLAW_REGISTRY, 1);
	out_sink_init(&w.out, &w.records, config.duty == REDACT_SCAN);
	if (config.duty == REDACT_CRASH)
		core_input_stream(&w.in, CORE_FD);
	else
		core_input_file(&w.in, CORE_FD);
	return work(&w, ret_never);
}

int main(void)
{
	bool never = false;
	log_open("chancery-redactor");
	spawn_name("chancery-redact");
	ch_err e = run(&never);
	if (failed(e))
		LOG(LOG_ERROR, "a dump cannot be redacted", log_err(e));
	if (failed(e))
		return EXIT_TROUBLE;
	return never ? EXIT_NEVER : EXIT_DONE;
}
