/* New keys are told to the registry of secrets, so that no crash dump of this host shows one,
 * whatever program holds it then. The registry keeps fingerprints alone; it is the one
 * process outside of the authority that sees a key, and only while it hashes it. */
#include "base/log.h"
#include "crypto/key_secrets.h"
#include "keeper_internal.h"
#include "wire/registry.h"

struct teller {
	struct key_secret_taker taker;
	str label;
	struct secretmem room; /* of a message, with a number of the key in it */
};

static ch_err take(struct key_secret_taker *t, const struct key_secret *s)
{
	struct teller *teller = (struct teller *)t;
	struct registry_answer answer = { 0 };
	const struct registry_ask ask = { .kind = REGISTRY_REGISTER,
					  .registered_kind = s->number ? REGISTRY_NUMBER
								       : REGISTRY_BYTES,
					  .label = teller->label,
					  .secret = secret_said(s->is) };
	ch_err e = registry_tell(REGISTRY_FD, &ask, teller->room.p, &answer, NULL);
	return ch_code_of(e) == CH_E_EXISTS ? CH_DONE : e;
}

void keeper_register(const struct keeper_config *c, const struct private_key *k, str realm, str kid)
{
	struct teller teller = { .taker = { take } };
	uint8_t room[REGISTRY_LABEL_MAX];
	struct wr label = wr_of(room, sizeof(room));
	if (!c->has_registry) {
		LOG(LOG_INFO, "no crash handler is installed: the key is not registered with it",
		    log_str("kid", kid));
		return;
	}
	wr_str(&label, realm);
	wr_char(&label, '/');
	wr_str(&label, kid);
	ch_err e = wr_done(&label);
	teller.label = wr_text(&label);
	if (!failed(e))
		e = secretmem_map(c->secret_memory, MESSAGE_MAX, &teller.room);
	if (!failed(e))
		e = key_secrets_of(k, &teller.taker);
	secretmem_done(&teller.room);
	if (failed(e))
		LOG(LOG_WARN, "the crash handler does not know the key: dumps rely on its finders",
		    log_str("kid", kid), log_err(e));
}
