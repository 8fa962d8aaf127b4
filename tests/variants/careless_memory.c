/* Test variant: keys wherever malloc puts them, signing on the ordinary stack. The hunter
 * must find the key in a dump of this one, or its silence about the true one means nothing. */
#include "signer_internal.h"
#include "variant.h"

VARIANT("careless memory");

ch_err memory_run(enum secretmem_kind kind, ch_err (*work)(struct signer *), struct signer *s)
{
	(void)kind;
	TRY(crypto_init(NULL));
	return work(s);
}
