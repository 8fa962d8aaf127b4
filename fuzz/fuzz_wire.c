/* Every decoder of the wire: the first byte chooses one, the rest is its message. What
 * is accepted must also be written again without harm. */
#include <stddef.h>
#include <stdint.h>

#include "wire/control.h"
#include "wire/coredump.h"
#include "wire/dump_settings.h"
#include "wire/fetch.h"
#include "wire/hash.h"
#include "wire/ledger.h"
#include "wire/plan.h"
#include "wire/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[1 << 20];

#define ROLE_CONFIG(type)                                \
	static void try_##type(bytes b)                  \
	{                                                \
		static struct type c;                    \
		struct wr w = wr_of(room, sizeof(room)); \
		if (!failed(type##_read(b, &c)))         \
			type##_write(&w, &c);            \
	}
ROLE_CONFIG(signer_config)
ROLE_CONFIG(warden_config)
ROLE_CONFIG(ledger_config)
ROLE_CONFIG(keeper_config)
ROLE_CONFIG(issuer_config)
ROLE_CONFIG(gate_config)
ROLE_CONFIG(fetcher_config)
ROLE_CONFIG(collector_config)
ROLE_CONFIG(plan)
ROLE_CONFIG(control)
ROLE_CONFIG(redactor_config)
ROLE_CONFIG(packer_config)
ROLE_CONFIG(registry_ask)
ROLE_CONFIG(registry_answer)
ROLE_CONFIG(dump_settings)
ROLE_CONFIG(dump_former)
ROLE_CONFIG(dump_self_test)
ROLE_CONFIG(crash_report)
ROLE_CONFIG(crash_stored)
ROLE_CONFIG(ledger_appended)
ROLE_CONFIG(ledger_head)
ROLE_CONFIG(ledger_head_signed)
ROLE_CONFIG(log_ask)
ROLE_CONFIG(log_answer)

static void try_requests(bytes b)
{
	struct rd r;
	struct sign_request q;
	size_t n = 0;
	struct wr w = wr_of(room, MESSAGE_MAX);
	if (failed(sign_batch_open(b, SIGN_REQUESTS, &r, &n)))
		return;
	sign_batch_begin(&w, SIGN_REQUESTS);
	for (size_t i = 0; i < n && !failed(sign_read_request(&r, &q)); i++)
		(void)sign_batch_add_request(&w, &q);
}

static void try_answers(bytes b)
{
	struct rd r;
	struct sign_answer a;
	struct sign_key k;
	size_t n = 0;
	if (!failed(sign_batch_open(b, SIGN_ANSWERS, &r, &n)))
		for (size_t i = 0; i < n && !failed(sign_read_answer(&r, &a)); i++)
			;
	if (!failed(sign_batch_open(b, SIGN_KEYS, &r, &n)))
		for (size_t i = 0; i < n && !failed(sign_read_key(&r, &k)); i++)
			;
}

static void try_hash(bytes b)
{
	struct hash_check c;
	struct hash_checked d;
	(void)hash_read_check(b, &c);
	(void)hash_read_checked(b, &d);
}

static void try_fetch(bytes b)
{
	struct fetch_ask a;
	struct fetch_told t;
	struct wr w = wr_of(room, FETCH_MESSAGE_MAX);
	if (!failed(fetch_read_ask(b, &a)))
		fetch_write_ask(&w, &a);
	if (!failed(fetch_read_told(b, &t)))
		fetch_write_told(&w, &t);
}

static void try_append(bytes b)
{
	struct rd r;
	struct ledger_item item;
	uint64_t seq = 0;
	size_t n = 0;
	struct wr w = wr_of(room, LEDGER_APPEND_MAX);
	if (failed(ledger_append_open(b, &r, &seq, &n)))
		return;
	ledger_append_begin(&w, seq);
	/* whatever was read fits */
	for (size_t i = 0; i < n && !failed(ledger_append_read(&r, &item)); i++)
		if (!ledger_append_add(&w, &item))
			__builtin_trap();
}

static void try_post(bytes b)
{
	struct fetch_post p;
	struct fetch_posted q;
	struct wr w = wr_of(room, FETCH_MESSAGE_MAX);
	if (!failed(fetch_read_post(b, &p)))
		fetch_write_post(&w, &p);
	if (!failed(fetch_read_posted(b, &q)))
		fetch_write_posted(&w, &q);
}

static void (*const tries[])(bytes) = {
	try_signer_config,
	try_warden_config,
	try_keeper_config,
	try_issuer_config,
	try_gate_config,
	try_plan,
	try_control,
	try_requests,
	try_answers,
	try_hash,
	try_fetch,
	try_fetcher_config,
	try_redactor_config,
	try_packer_config,
	try_registry_ask,
	try_registry_answer,
	try_dump_settings,
	try_dump_former,
	try_dump_self_test,
	try_crash_report,
	try_crash_stored,
	try_append,
	try_ledger_appended,
	try_ledger_head,
	try_ledger_head_signed,
	try_log_ask,
	try_log_answer,
	try_post,
	try_ledger_config,
	try_collector_config,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		tries[data[0] % COUNT_OF(tries)]((bytes){ data + 1, size - 1 });
	return 0;
}
