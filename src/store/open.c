/* The store's constructor and destructor. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "store_internal.h"

void store_free(struct store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < Q_COUNT; i++)
		(void)sqlite3_finalize(s->q[i]);
	(void)sqlite3_close(s->db);
	free(s);
}

void store_done(struct store **s)
{
	store_free(*s);
	*s = NULL;
}

ch_err store_open(str folder, struct store **ret_s)
{
	AUTO(store_done) struct store *s = calloc(1, sizeof(*s));
	if (!s)
		return ch_fail(CH_E_NOMEM, "no memory for a store", sizeof(*s));
	TRY(store_setup(s, folder));
	*ret_s = TAKE(s);
	return CH_DONE;
}
