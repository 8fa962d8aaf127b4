/* What the processes of a crash dump are told, and questions to the registry, both halves.
 * A question may come from any uid that can reach the socket: all of it is checked before
 * a field is used. Nothing here copies a secret. */
#include "wire/coredump.h"

#include "base/ck.h"
#include "wire_internal.h"

/* The levels of libzstd that make sense for a program that waits. */
enum { ZSTD_LEVEL_MAX = 19, DUMP_SIGNAL_MAX = 64, REGISTERED_KINDS = 3 };

static void rule_write(struct wr *w, const struct dump_rule *rule)
{
	wr_bool(w, rule->has_uid);
	wr_u32(w, rule->uid_from);
	wr_u32(w, rule->uid_to);
	wr_bool(w, rule->has_file);
	wr_u64(w, rule->device);
	wr_u64(w, rule->inode);
	wr_bool(w, rule->has_build_id);
	wr_bytes16(w, (bytes){ rule->build_id, rule->build_id_n });
	wr_u8(w, (uint8_t)rule->wish);
}

void wire_rules_write(struct wr *w, const struct dump_rule *rules, size_t n)
{
	wr_u16(w, u16_from(n));
	for (size_t i = 0; i < n; i++)
		rule_write(w, &rules[i]);
}

void redactor_config_write(struct wr *w, const struct redactor_config *c)
{
	wr_u8(w, (uint8_t)c->duty);
	wr_u8(w, (uint8_t)c->wish);
	wr_bool(w, c->has_registered);
	wr_bool(w, c->registry_silent);
	wr_u64(w, c->size_max);
	wr_u32(w, c->uid);
	wr_u64(w, c->device);
	wr_u64(w, c->inode);
	wr_u32(w, (uint32_t)c->signal);
	wire_rules_write(w, c->rules, c->n_rules);
}

/* A number below count; else bad, and 0. */
static uint8_t read_below(struct rd *r, uint8_t count)
{
	uint8_t v = rd_u8(r);
	r->bad = r->bad || v >= count;
	return r->bad ? 0 : v;
}

static void rule_read(struct rd *r, struct dump_rule *rule)
{
	rule->has_uid = rd_bool(r);
	rule->uid_from = rd_u32(r);
	rule->uid_to = rd_u32(r);
	rule->has_file = rd_bool(r);
	rule->device = rd_u64(r);
	rule->inode = rd_u64(r);
	rule->has_build_id = rd_bool(r);
	bytes id = rd_bytes16(r, BUILD_ID_MAX);
	mem_copy(rule->build_id, id.p, id.n);
	rule->build_id_n = u8_from(id.n);
	rule->wish = (enum dump_wish)read_below(r, WISH_COUNT);
	/* a rule that says less than it seems to must not decide */
	if ((rule->has_build_id && id.n == 0) || (rule->has_uid && rule->uid_from > rule->uid_to))
		r->bad = true;
}

size_t wire_rules_read(struct rd *r, struct dump_rule *rules)
{
	size_t n = rd_count16(r, DUMP_RULES_MAX);
	for (size_t i = 0; i < n; i++)
		rule_read(r, &rules[i]);
	return n;
}

ch_err redactor_config_read(bytes b, struct redactor_config *ret_c)
{
	struct rd r = rd_of(b);
	struct redactor_config *c = ret_c;
	c->duty = (enum redact_duty)read_below(&r, REDACT_DUTY_COUNT);
	c->wish = (enum dump_wish)read_below(&r, WISH_COUNT);
	c->has_registered = rd_bool(&r);
	c->registry_silent = rd_bool(&r);
	c->size_max = rd_u64(&r);
	c->uid = rd_u32(&r);
	c->device = rd_u64(&r);
	c->inode = rd_u64(&r);
	uint32_t number = rd_u32(&r);
	r.bad = r.bad || number > DUMP_SIGNAL_MAX;
	c->signal = r.bad ? 0 : (int32_t)number;
	c->n_rules = wire_rules_read(&r, c->rules);
	r.bad = r.bad || c->wish == WISH_FORMER;
	for (size_t i = 0; i < c->n_rules; i++)
		r.bad = r.bad || c->rules[i].wish == WISH_FORMER;
	return wire_done(&r);
}

enum { CODE_ASK = 1, CODE_ANSWER };

void code_ask_write(struct wr *w, str path)
{
	wr_u8(w, CODE_ASK);
	wr_u8(w, WIRE_VERSION);
	wr_str16(w, path);
}

static void code_head_read(struct rd *r, uint8_t kind)
{
	if (rd_u8(r) != kind || rd_u8(r) != WIRE_VERSION)
		r->bad = true;
}

ch_err code_ask_read(bytes message, str *ret_path)
{
	struct rd r = rd_of(message);
	code_head_read(&r, CODE_ASK);
	str path = rd_str16(&r, CODE_PATH_MAX);
	TRY(wire_done(&r));
	*ret_path = path;
	return CH_DONE;
}

void code_answer_write(struct wr *w, uint16_t code)
{
	wr_u8(w, CODE_ANSWER);
	wr_u8(w, WIRE_VERSION);
	wr_u16(w, code);
}

ch_err code_answer_read(bytes message, uint16_t *ret_code)
{
	struct rd r = rd_of(message);
	code_head_read(&r, CODE_ANSWER);
	uint16_t code = rd_u16(&r);
	TRY(wire_done(&r));
	*ret_code = code;
	return CH_DONE;
}

void packer_config_write(struct wr *w, const struct packer_config *c)
{
	wr_put(w, BYTES_OF(c->public_key));
	wr_u8(w, c->zstd_level);
	wr_u64(w, c->size_max);
}

ch_err packer_config_read(bytes b, struct packer_config *ret_c)
{
	struct rd r = rd_of(b);
	struct packer_config c = { 0 };
	bytes key = rd_take(&r, sizeof(c.public_key));
	mem_copy(c.public_key, key.p, key.n);
	c.zstd_level = rd_u8(&r);
	c.size_max = rd_u64(&r);
	r.bad = r.bad || c.zstd_level < 1 || c.zstd_level > ZSTD_LEVEL_MAX;
	TRY(wire_done(&r));
	*ret_c = c;
	return CH_DONE;
}

void registry_ask_write(struct wr *w, const struct registry_ask *a)
{
	wr_u8(w, (uint8_t)a->kind);
	wr_u8(w, WIRE_VERSION);
	if (a->kind == REGISTRY_REGISTER) {
		wr_u8(w, a->registered_kind);
		wr_bool(w, a->weak);
	}
	if (a->kind == REGISTRY_REGISTER || a->kind == REGISTRY_REMOVE)
		wr_str16(w, a->label);
	if (a->kind == REGISTRY_REGISTER)
		wr_bytes16(w, a->secret.hidden);
}

ch_err registry_ask_read(bytes message, struct registry_ask *ret_a)
{
	struct rd r = rd_of(message);
	struct registry_ask a = { 0 };
	uint8_t kind = rd_u8(&r);
	r.bad = r.bad || kind < REGISTRY_REGISTER || kind > REGISTRY_REMOVE ||
		rd_u8(&r) != WIRE_VERSION;
	if (r.bad)
		return ch_fail(CH_E_PROTOCOL, "no question to the registry", kind);
	a.kind = (enum registry_kind)kind;
	if (a.kind == REGISTRY_REGISTER) {
		a.registered_kind = read_below(&r, REGISTERED_KINDS);
		a.weak = rd_bool(&r);
	}
	if (a.kind == REGISTRY_REGISTER || a.kind == REGISTRY_REMOVE)
		a.label = rd_str16(&r, REGISTRY_LABEL_MAX);
	if (a.kind == REGISTRY_REGISTER)
		a.secret = secret_bytes_of(rd_bytes16(&r, REGISTRY_SECRET_MAX));
	TRY(wire_done(&r));
	*ret_a = a;
	return CH_DONE;
}

void registry_answer_write(struct wr *w, const struct registry_answer *a)
{
	wr_u8(w, REGISTRY_ANSWER);
	wr_u8(w, WIRE_VERSION);
	wr_u16(w, a->code);
	wr_u64(w, a->detail);
	wr_bytes16(w, a->text);
}

ch_err registry_answer_read(bytes message, struct registry_answer *ret_a)
{
	struct rd r = rd_of(message);
	struct registry_answer a = { 0 };
	bool known = rd_u8(&r) == REGISTRY_ANSWER && rd_u8(&r) == WIRE_VERSION;
	a.code = rd_u16(&r);
	a.detail = rd_u64(&r);
	a.text = rd_bytes16(&r, REGISTRY_TEXT_MAX);
	r.bad = r.bad || !known || a.code >= CH_CODE_COUNT;
	TRY(wire_done(&r));
	*ret_a = a;
	return CH_DONE;
}
