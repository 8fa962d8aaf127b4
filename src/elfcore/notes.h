/* Inside elfcore: notes as they pass. A window on the notes that were read and not yet passed
 * on, and where they go. */
#pragma once
#include "elfcore/core.h"

enum { NOTE_HEADER = 12, NOTES_WINDOW = CORE_NOTE_MAX + 64 };

struct notes {
	struct core_input *in;
	struct core_head *head;
	struct core_sink *sink; /* NULL: into the head */
	uint64_t unread;        /* of the segment */
	size_t at, n;           /* p[at .. n) was read and is not passed on */
	bool keeping;           /* this note goes into the head, when there is no sink */
	bool files_seen, thread_left_out, siginfo_seen;
	uint8_t p[NOTES_WINDOW];
};

/* What is left of the segment. */
uint64_t notes_left(const struct notes *s);
/* Makes p[at .. at + n) there; n ≤ NOTES_WINDOW and ≤ notes_left. */
ch_err notes_need(struct notes *s, size_t n);
/* Passes p[at .. at + n) on, which is there. */
ch_err notes_pass(struct notes *s, size_t n);
/* Passes n bytes on as zeros. */
ch_err notes_pass_zeros(struct notes *s, uint64_t n);

/* Once; tables for so many files and bytes of paths. */
ch_err room_for_files(struct core_head *h, size_t n_files, size_t n_text);
/* For n bytes more; with those that are there at most CORE_NOTES_KEPT. */
ch_err room_for_notes(struct core_head *h, size_t n);
/* For one more; false: there is none. */
bool room_for_thread(struct core_head *h);

/* Masks the n bytes of one note in place and remembers in the head what they say. */
void mask_status(struct notes *s, uint8_t *p, size_t n);
void mask_siginfo(struct notes *s, uint8_t *p, size_t n);
void mask_psinfo(struct notes *s, uint8_t *p, size_t n);
void mask_auxv(struct notes *s, uint8_t *p, size_t n);
void mask_xstate(struct notes *s, uint8_t *p, size_t n);
void mask_text(struct notes *s, uint8_t *p, size_t n);
void mask_all(struct notes *s, uint8_t *p, size_t n);
void mask_nothing(struct notes *s, uint8_t *p, size_t n);

/* NT_FILE, n bytes, however long: passes all of it on. */
ch_err notes_files(struct notes *s, uint64_t n);
