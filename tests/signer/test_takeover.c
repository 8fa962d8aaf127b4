/* A taken-over issuer: whatever it sends, in whatever order and size, each token that it gets is in
 * the log, of the socket's realm, and lives no longer than its key grants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "stand.h"

enum { ROUNDS = 1500, MESSAGES = 6, NODES = 64, TTL_MAX_S = 600 };

static struct stand t;
static uint64_t random_state = 88172645463325252U;
static size_t tokens, breaches;

static uint32_t below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % n;
}

static int set_up(void **state)
{
	(void)state;
	stand_set_up(&t);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stand_tear_down(&t);
	return 0;
}

static const struct json_node *payload_of(str token, struct json_node *nodes)
{
	static uint8_t room[SIGN_TOKEN_MAX];
	struct wr w = wr_of(room, sizeof(room));
	size_t n = 0;
	str rest = token;
	(void)str_cut(&rest, '.');
	assert_false(failed(base64url_read(str_cut(&rest, '.'), &w)));
	assert_false(failed(
		json_parse(wr_bytes(&w), (struct json_limits){ 4, NODES - 1 }, nodes, NODES, &n)));
	return nodes;
}

static int64_t number_of(const struct json_node *payload, str name)
{
	const struct json_node *n = json_member(payload, name);
	assert_non_null(n);
	assert_int_equal(n->type, JSON_INT);
	return n->number;
}

static void check_token(size_t realm, str token)
{
	static struct json_node nodes[NODES];
	const struct seen *s = stand_entry_of(&t, token);
	assert_non_null(s);
	/* what the ledger has not answered is not out */
	assert_true(s->seq <= t.answered);
	assert_true(str_eq(s->entry.realm, t.signer.realms[realm].name));
	assert_in_range(s->entry.exp_s - s->entry.iat_s, 1, TTL_MAX_S);
	const struct json_node *p = payload_of(token, nodes);
	assert_int_equal(number_of(p, LIT("iat")), s->entry.iat_s);
	assert_int_equal(number_of(p, LIT("exp")), s->entry.exp_s);
	assert_true(str_eq(json_member(p, LIT("iss"))->text, t.signer.realms[realm].issuer));
	tokens++;
}

/* Everything that came, from both sockets. */
static void check_answers(void)
{
	for (size_t realm = 0; realm < STAND_REALMS; realm++) {
		struct rd r;
		struct sign_answer a;
		size_t n = 0;
		while (t.issuers[realm] >= 0 && !failed(stand_answers(&t, realm, &r, &n)))
			for (; n > 0; n--) {
				assert_false(failed(sign_read_answer(&r, &a)));
				if (a.code == CH_OK)
					check_token(realm, a.token);
			}
	}
}

static void random_request(struct wr *w)
{
	static const str texts[] = { { "home", 4 },
				     { "\",\"exp\":9999999999,\"x\":\"", 24 },
				     { "http://localhost/corp", 21 },
				     { "", 0 } };
	struct sign_request q = { .req = below(UINT16_MAX),
				  .typ = below(8) ? TYP_ACCESS : TYP_ID,
				  .alg = below(4) ? SIGN_ALG_ANY : (uint8_t)below(6),
				  .ttl_s = below(4) ? below(TTL_MAX_S + 100) : below(UINT32_MAX) };
	for (unsigned id = 0; id < SIGN_CLAIM_COUNT; id++) {
		const struct sign_claim_rule *rule = sign_claim_rule((enum sign_claim_id)id);
		bool wanted = id == CLAIM_SUB || id == CLAIM_AUD || id == CLAIM_CLIENT_ID;
		if (!(rule->typs & q.typ) || (!wanted && below(6) > 0) || below(40) == 0)
			continue;
		if (rule->form == FORM_NUMBER || rule->form == FORM_BOOL)
			sign_add_number(&q, (enum sign_claim_id)id, (int64_t)below(UINT32_MAX));
		else
			sign_add_text(&q, (enum sign_claim_id)id, texts[below(COUNT_OF(texts))]);
	}
	(void)sign_batch_add_request(w, &q);
}

/* A batch, then perhaps spoilt: cut, grown, a byte changed, of another type, or noise. */
static bytes random_message(void)
{
	struct wr w = wr_of(t.message, sizeof(t.message));
	uint32_t n = 1 + below(below(4) ? 6 : 40);
	sign_batch_begin(&w, SIGN_REQUESTS);
	for (uint32_t i = 0; i < n; i++)
		random_request(&w);
	switch (below(12)) {
	case 0:
		w.n = below((uint32_t)w.n) + 1;
		break;
	case 1:
		w.n += 1 + below(64);
		break;
	case 2:
		t.message[below((uint32_t)w.n)] ^= (uint8_t)(1 + below(255));
		break;
	case 3:
		t.message[0] = (uint8_t)(0x40 + below(32));
		break;
	case 4:
		for (size_t i = 4; i < w.n; i++)
			t.message[i] = (uint8_t)below(256);
		break;
	default:
		break;
	}
	return wr_bytes(&w);
}

static void one_life(void)
{
	stand_reset(&t);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		uint32_t realm = below(STAND_REALMS);
		/* as many at once as the socket takes */
		(void)channel_send(t.issuers[realm], random_message(), NULL);
		t.code = below(10) ? CH_OK : CH_E_NO_ROOM;
		if (below(3) == 0)
			continue;
		bool appended = below(3) > 0 && stand_append(&t);
		(void)appended;
		bool breach = failed(stand_turn(&t));
		check_answers();
		if (breach) {
			breaches++;
			return;
		}
	}
	bool breach = failed(stand_serve(&t));
	check_answers();
	breaches += breach;
}

static void no_message_gets_an_unlogged_a_foreign_or_a_long_lived_token(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ROUNDS; i++)
		one_life();
	/* both kinds of end were seen, and often */
	assert_true(tokens > ROUNDS);
	assert_in_range(breaches, ROUNDS / 10, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_message_gets_an_unlogged_a_foreign_or_a_long_lived_token),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
