/* The notes of a core, one after the other through a window of fixed size, so that a process
 * with very many threads takes no more memory than one with few. Sizes are believed only as
 * far as the segment goes; what is not known by name, type and size leaves as zeros. */
#include "notes.h"

#include "base/ck.h"
#include "layout.h"

/* Kept for what is not of a thread, and may come after all of them. */
enum { KEPT_FOR_OTHERS = CORE_FILE_TEXT_MAX + 256 * 1024 };

uint64_t notes_left(const struct notes *s)
{
	return s->unread + (s->n - s->at);
}

ch_err notes_need(struct notes *s, size_t n)
{
	if (s->n - s->at >= n)
		return CH_DONE;
	mem_move(s->p, s->p + s->at, s->n - s->at);
	s->n -= s->at;
	s->at = 0;
	size_t room = sizeof(s->p) - s->n;
	size_t want = room < s->unread ? room : (size_t)s->unread;
	size_t got = 0;
	TRY(core_input_read(s->in, s->p + s->n, want, &got));
	s->unread -= got;
	s->n += got;
	if (s->n < n)
		return ch_fail(CH_E_TRUNCATED, "the core ends in its notes", s->in->done);
	return CH_DONE;
}

static ch_err keep(struct core_head *h, const uint8_t *p_or_null, size_t n)
{
	TRY(room_for_notes(h, n));
	if (p_or_null)
		mem_copy(h->notes + h->n_notes, p_or_null, n);
	else
		mem_zero(h->notes + h->n_notes, n);
	h->n_notes += n;
	return CH_DONE;
}

ch_err notes_pass(struct notes *s, size_t n)
{
	if (s->sink)
		TRY(s->sink->put(s->sink, (bytes){ s->p + s->at, n }));
	else if (s->keeping)
		TRY(keep(s->head, s->p + s->at, n));
	s->at += n;
	return CH_DONE;
}

ch_err notes_pass_zeros(struct notes *s, uint64_t n)
{
	for (uint64_t left = n; left > 0;) {
		if (s->at == s->n)
			TRY(notes_need(s, 1));
		size_t have = s->n - s->at;
		size_t part = have < left ? have : (size_t)left;
		s->at += part;
		left -= part;
		if (!s->sink && s->keeping)
			TRY(keep(s->head, NULL, part));
	}
	return s->sink && n ? s->sink->fill(s->sink, 0, n) : CH_DONE;
}

struct rule {
	str owner; /* with the NUL that it has in the core */
	uint32_t type;
	uint32_t size; /* 0: any, up to CORE_NOTE_MAX */
	bool of_thread;
	bool kept; /* in a head; what is all zeros is not */
	void (*mask)(struct notes *s, uint8_t *p, size_t n); /* NULL: by notes_files */
};

#define OWNER(name) LIT(name "\0")
static const struct rule rules[] = {
	{ OWNER("CORE"), 1 /* NT_PRSTATUS */, STATUS_SIZE, true, true, mask_status },
	{ OWNER("CORE"), 2 /* NT_FPREGSET */, 0, true, false, mask_all },
	{ OWNER("CORE"), 3 /* NT_PRPSINFO */, PSINFO_SIZE, false, true, mask_psinfo },
	{ OWNER("CORE"), 6 /* NT_AUXV */, 0, false, true, mask_auxv },
	{ OWNER("CORE"), 0x53494749 /* NT_SIGINFO */, SIGINFO_SIZE, true, true, mask_siginfo },
	{ OWNER("CORE"), 0x46494c45 /* NT_FILE */, 0, false, true, NULL },
	{ OWNER("LINUX"), 0x202 /* NT_X86_XSTATE */, 0, true, false, mask_xstate },
	{ OWNER("LINUX"), 0x205 /* NT_X86_XSAVE_LAYOUT */, 0, true, false, mask_nothing },
	{ OWNER("GDB"), 0xff000000 /* its description of the registers */, 0, false, false,
	  mask_text },
};
static const struct rule unknown = { .of_thread = true };

struct note {
	uint32_t name_n, n, type;
	uint64_t name_padded, padded;
	const struct rule *rule;
	bool owner_known; /* else even the name goes */
};

static uint64_t padded(uint32_t n)
{
	return ((uint64_t)n + 3) & ~(uint64_t)3;
}

static void find_rule(const struct notes *s, struct note *note)
{
	const str name = { (const char *)s->p + s->at + NOTE_HEADER, note->name_n };
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		const struct rule *r = &rules[i];
		bool fits = r->size ? note->n == r->size : !r->mask || note->n <= CORE_NOTE_MAX;
		if (!str_eq(r->owner, name))
			continue;
		note->owner_known = true;
		if (r->type == note->type && fits)
			note->rule = r;
	}
}

/* *ret_note only when the whole note lies in the segment. */
static ch_err note_begin(struct notes *s, struct note *ret_note, bool *ret_sound)
{
	TRY(notes_need(s, NOTE_HEADER));
	const uint8_t *h = s->p + s->at;
	struct note note = { .name_n = load_le32(h),
			     .n = load_le32(h + 4),
			     .type = load_le32(h + 8),
			     .rule = &unknown };
	note.name_padded = padded(note.name_n);
	note.padded = padded(note.n);
	*ret_sound = NOTE_HEADER + note.name_padded + note.padded <= notes_left(s);
	if (!*ret_sound)
		return CH_DONE;
	if (note.name_n <= 8) {
		TRY(notes_need(s, NOTE_HEADER + (size_t)note.name_padded));
		find_rule(s, &note);
	}
	*ret_note = note;
	return CH_DONE;
}

/* Does this note go into the head? A thread that does not fit is left out with all of its
 * notes, which follow its status. */
static bool decide(struct notes *s, const struct note *note)
{
	bool status = note->rule->mask == mask_status;
	uint64_t size = NOTE_HEADER + note->name_padded + note->padded;
	uint64_t have = s->head->n_notes;
	if (status && !s->sink) {
		uint64_t max = CORE_NOTES_KEPT - (s->files_seen ? 0 : KEPT_FOR_OTHERS);
		s->thread_left_out = have + size > max || s->head->n_threads == CORE_THREADS_MAX;
		s->head->threads_left_out += s->thread_left_out;
	}
	if (note->rule->of_thread && s->thread_left_out)
		return false;
	return note->rule->kept && have + size <= CORE_NOTES_KEPT;
}

static ch_err note_body(struct notes *s, const struct note *note)
{
	if (note->rule == &unknown)
		return notes_pass_zeros(s, note->padded);
	if (!note->rule->mask) {
		TRY(notes_files(s, note->n));
		return notes_pass_zeros(s, note->padded - note->n);
	}
	TRY(notes_need(s, (size_t)note->padded));
	mem_zero(s->p + s->at + note->n, (size_t)note->padded - note->n);
	note->rule->mask(s, s->p + s->at, note->n);
	return notes_pass(s, (size_t)note->padded);
}

static ch_err note_pass(struct notes *s, const struct note *note)
{
	s->keeping = decide(s, note);
	TRY(notes_pass(s, NOTE_HEADER));
	if (!note->owner_known) {
		TRY(notes_pass_zeros(s, note->name_padded));
	} else {
		uint8_t *pad = s->p + s->at + note->name_n;
		mem_zero(pad, (size_t)note->name_padded - note->name_n);
		TRY(notes_pass(s, (size_t)note->name_padded));
	}
	return note_body(s, note);
}

static ch_err pass_all(struct notes *s)
{
	while (notes_left(s) >= NOTE_HEADER) {
		struct note note = { 0 };
		bool sound = false;
		TRY(note_begin(s, &note, &sound));
		if (!sound)
			break;
		size_t kept = s->head->n_notes;
		ch_err e = note_pass(s, &note);
		if (failed(e)) {
			s->head->n_notes = kept;
			return e;
		}
	}
	s->head->notes_broken += notes_left(s);
	s->keeping = false;
	return notes_pass_zeros(s, notes_left(s));
}

/* To where the notes begin. */
static ch_err go_to(struct core_input *in, uint64_t offset)
{
	uint8_t gone[512] NOT_ZEROED;
	if (offset < in->done)
		return ch_fail(CH_E_UNSUPPORTED, "notes before what was read", offset);
	if (in->skip)
		return in->skip(in, offset - in->done);
	if (offset - in->done > CORE_PAGE)
		return ch_fail(CH_E_UNSUPPORTED, "notes behind memory, in a stream", offset);
	while (in->done < offset) {
		uint64_t left = offset - in->done;
		TRY(core_input_exactly(in, gone,
				       left < sizeof(gone) ? (size_t)left : sizeof(gone)));
	}
	return CH_DONE;
}

ch_err core_notes_read(struct core_input *in, struct core_head *head,
		       struct core_sink *sink_or_null)
{
	struct notes s NOT_ZEROED;
	if (head->map.notes_size == 0)
		return CH_DONE;
	TRY(go_to(in, head->map.notes_offset));
	mem_zero(&s, offsetof(struct notes, p));
	s.in = in;
	s.head = head;
	s.sink = sink_or_null;
	s.unread = head->map.notes_size;
	return pass_all(&s);
}
