/* The finders that a redactor has, in the order in which their ends are called: the first say
 * what the later ones need to know. */
#include "redactor_internal.h"

static finder_new_fn *const makers[] = {
	finder_text_new,    finder_bignum_new, finder_rsa_new, finder_ec_new,
	finder_ed25519_new, finder_ssh_new,    finder_aes_new, finder_wide_new,
};

ch_err finders_new(struct finders *ret_f)
{
	*ret_f = (struct finders){ 0 };
	for (size_t i = 0; i < COUNT_OF(makers); i++) {
		TRY(makers[i](&ret_f->all[i]));
		ret_f->n = i + 1;
	}
	return CH_DONE;
}

void finders_done(struct finders *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->all[i]->free)
			f->all[i]->free(f->all[i]);
	f->n = 0;
}
