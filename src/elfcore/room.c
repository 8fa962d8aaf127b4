/* What a head keeps grows here, and nowhere else. Callers have bounded how far; each table
 * is the head's from the moment it is made, and core_head_done frees it. */
#include <stdlib.h>

#include "notes.h"

ch_err room_for_files(struct core_head *h, size_t n_files, size_t n_text)
{
	h->files = calloc(n_files + 1, sizeof(*h->files));
	h->file_text = calloc(n_text + 1, 1);
	if (!h->files || !h->file_text)
		return ch_fail(CH_E_NOMEM, "no memory for the files of a core", n_files);
	return CH_DONE;
}

ch_err room_for_notes(struct core_head *h, size_t n)
{
	if (n <= h->notes_cap - h->n_notes)
		return CH_DONE;
	size_t cap = 2 * (h->n_notes + n);
	cap = cap < CORE_NOTE_MAX ? CORE_NOTE_MAX : cap;
	cap = cap < CORE_NOTES_KEPT ? cap : CORE_NOTES_KEPT;
	uint8_t *grown = realloc(h->notes, cap);
	if (!grown)
		return ch_fail(CH_E_NOMEM, "no memory for notes", cap);
	h->notes = grown;
	h->notes_cap = cap;
	return CH_DONE;
}

bool room_for_thread(struct core_head *h)
{
	size_t n = h->n_threads;
	if (n == CORE_THREADS_MAX)
		return false;
	if (n & (n - 1)) /* there is room up to the next power of two */
		return true;
	struct core_thread *grown = realloc(h->threads, (n ? 2 * n : 1) * sizeof(*grown));
	if (!grown)
		return false;
	h->threads = grown;
	return true;
}
