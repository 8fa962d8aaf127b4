/* Records in, a sealed file out. The records come from a process that parses what a crashed
 * program left behind and may be taken over: they are bytes here and are not looked at. No
 * plain byte leaves this process but the report, for the one who started it. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "dumpstore/records.h"
#include "dumpstore/sealed.h"
#include "packer_internal.h"

struct packer {
	uint64_t size_max;
	struct sealed_writer *sealed;
	size_t report_n;
	uint8_t report[DUMP_REPORT_MAX];
	uint8_t room[RECORD_HEADER_SIZE + RECORD_MAX];
};

void packer_done(struct packer **p)
{
	if (!*p)
		return;
	sealed_writer_done(&(*p)->sealed);
	free(*p);
	*p = NULL;
}

ch_err packer_new(const struct packer_config *c, struct packer **ret_p)
{
	struct dump_public_key to;
	AUTO(packer_done) struct packer *p = calloc(1, sizeof(*p));
	if (!p)
		return ch_fail(CH_E_NOMEM, "no memory to pack a dump", sizeof(*p));
	_Static_assert(sizeof(to.p) == sizeof(c->public_key), "key size");
	mem_copy(to.p, c->public_key, sizeof(to.p));
	p->size_max = c->size_max > 0 ? c->size_max : UINT64_MAX;
	TRY(sealed_writer_new(FILE_FD, &to, c->zstd_level, &p->sealed));
	*ret_p = TAKE(p);
	return CH_DONE;
}

ch_err packer_help(struct packer *p, struct beside *b)
{
	return sealed_writer_help(p->sealed, b);
}

static ch_err check_size(const struct packer *p)
{
	if (sealed_writer_bytes(p->sealed) > p->size_max)
		return ch_fail(CH_E_LIMIT, "a dump is larger than allowed", p->size_max);
	return CH_DONE;
}

static ch_err gather_report(struct packer *p, bytes b)
{
	if (b.n > sizeof(p->report) - p->report_n)
		return ch_fail(CH_E_PROTOCOL, "a report is longer than allowed", sizeof(p->report));
	mem_copy(p->report + p->report_n, b.p, b.n);
	p->report_n += b.n;
	return CH_DONE;
}

/* From the pipe to where it is compressed. */
static ch_err take_data(struct packer *p, uint64_t n)
{
	while (n > 0) {
		uint8_t *to = NULL;
		size_t room = 0;
		TRY(sealed_room(p->sealed, n, &to, &room));
		TRY(fd_read_exactly(RECORDS_FD, to, room));
		TRY(sealed_filled(p->sealed, room));
		n -= room;
	}
	return check_size(p);
}

static ch_err take(struct packer *p, const struct record *r)
{
	switch (r->type) {
	case RECORD_DATA:
		return take_data(p, r->n);
	case RECORD_FILL:
		TRY(sealed_fill(p->sealed, r->with, r->n));
		return check_size(p);
	case RECORD_REPORT:
		return gather_report(p, r->data);
	case RECORD_PROGRESS:
	case RECORD_END:
	case RECORD_TYPE_COUNT:
		break;
	}
	return CH_DONE;
}

/* Sealed for the reader of the dump, and plain for its sidecar. */
static ch_err finish(struct packer *p, const struct record *end)
{
	struct record_writer out;
	bytes report = { p->report, p->report_n };
	const bool whole = end->whole;
	const uint64_t secrets = end->secrets;
	if (whole) {
		TRY(sealed_end(p->sealed, report));
		TRY(check_size(p));
	} else if (ftruncate(FILE_FD, 0) != 0) {
		return ch_fail(CH_E_IO, "cannot empty the file of a dump", errno);
	}
	record_writer_init(&out, REPORT_FD, p->room);
	TRY(record_report(&out, report));
	return record_end(&out, whole, secrets);
}

ch_err packer_run(struct packer *p)
{
	struct record r = { 0 };
	for (;;) {
		TRY(record_next(RECORDS_FD, p->room, &r));
		if (r.type == RECORD_END)
			return finish(p, &r);
		TRY(take(p, &r));
	}
}

enum packer_status packer_status_of(ch_err e)
{
	static const struct {
		enum ch_code code;
		enum packer_status status;
	} words[] = {
		{ CH_OK, PACKER_DONE },
		{ CH_E_TRUNCATED, PACKER_CUT },
		{ CH_E_LIMIT, PACKER_TOO_LARGE },
		{ CH_E_PROTOCOL, PACKER_BREACH },
	};
	if (ch_code_of(e) == CH_E_IO && (e.detail == ENOSPC || e.detail == EDQUOT))
		return PACKER_DISK_FULL;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (ch_code_of(e) == words[i].code)
			return words[i].status;
	return PACKER_TROUBLE;
}
