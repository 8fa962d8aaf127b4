/* What `chancery log prove` and `verify` say of an entry and of a head. */
#pragma once
#include "codec/json.h"
#include "merkle/checkpoint.h"
#include "merkle/entry.h"
#include "token/facts.h"

str log_typ_name(uint8_t typ);
/* "entry":{…} */
void log_put_entry(struct json_out *o, const struct log_entry *e);
/* "realm home, kid k1, at+jwt, 2026-11-23T01:00:00Z to …, SHA-256 …" and a newline. */
void log_print_entry(const struct log_entry *e);
/* Is it this token's? E_MISMATCH: another's; or the same signing input, logged with other facts than
 * it states. */
ch_err log_entry_check(const struct log_entry *e, const struct token_facts *f);
/* Written and its newline. */
void log_print_json(const struct wr *w);
/* Of an error: was something found not to be so (EXIT_NO), or could it not be found out? */
int log_status_of(ch_err e);
