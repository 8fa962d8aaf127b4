/* witness.yaml → struct witness_file: whose heads are cosigned. That a key is one is found where
 * keys are read; here, that no log is named twice. */
#include "base/cleanup.h"
#include "config/config.h"
#include "fields_internal.h"
#include "text_internal.h"

static const char *check_origin_line(str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= ' ' || text.p[i] == '+')
			return "has a blank or a '+'; write the first line of the log's checkpoint";
	return NULL;
}

static const char *check_vkey(str text)
{
	str rest = text;
	str name = str_cut(&rest, '+'), id = str_cut(&rest, '+');
	return name.n > 0 && id.n == 8 && rest.n > 0
		       ? NULL
		       : "is no verifier key; write NAME+HASH+KEY, as the log publishes it";
}

#define AT(s, m) .at = offsetof(struct s, m)
#define COUNT_AT(s, m) .count_at = offsetof(struct s, m)

static const struct field log_fields[] = {
	{ "vkey", FIELD_TEXT, AT(witness_source, vkey), .check = check_vkey },
	{ "origin", FIELD_TEXT, true, AT(witness_source, origin), .check = check_origin_line },
	{ 0 },
};

static const struct field file_fields[] = {
	{ "name", FIELD_TEXT, AT(witness_file, config.name), .check = check_origin_line },
	{ "listen", FIELD_LISTEN, AT(witness_file, host), COUNT_AT(witness_file, port) },
	{ "monitor", FIELD_LISTEN, true, AT(witness_file, monitor_host),
	  COUNT_AT(witness_file, monitor_port) },
	{ "logs", FIELD_LIST, true, AT(witness_file, config.logs),
	  COUNT_AT(witness_file, config.n_logs), .max = WITNESS_LOGS_MAX, .item = log_fields,
	  .item_size = sizeof(struct witness_source) },
	{ 0 },
};

static ch_err logs_check(const struct complaint *c, const struct node *root, struct witness_file *f)
{
	const struct node *list = node_get(root, LIT("logs"));
	const struct node *item = list ? list->first : NULL;
	for (size_t i = 0; i < f->config.n_logs && item; i++, item = item->next) {
		struct witness_source *s = &f->config.logs[i];
		str name = s->vkey;
		if (s->origin.n == 0)
			s->origin = str_cut(&name, '+');
		for (size_t k = 0; k < i; k++) {
			if (!str_eq(s->origin, f->config.logs[k].origin))
				continue;
			struct wr *w = complain(c, item->line);
			complain_quote(w, s->origin);
			wr_lit(w, " is here twice; keep one key for each log");
			return ch_fail(CH_E_DUPLICATE, "a log occurs twice", i);
		}
	}
	return CH_DONE;
}

ch_err witness_file_parse(str path, bytes yaml, struct wr *why, struct witness_file *ret_f,
			  struct config_text **ret_text)
{
	const struct complaint c = { path, why };
	AUTO(config_text_done) struct config_text *text = NULL;
	struct witness_file f = { 0 };
	struct node *root = NULL;
	TRY(text_read(&c, yaml, &text, &root));
	TRY(fields_read(&c, root, file_fields, "the file", &f));
	TRY(logs_check(&c, root, &f));
	f.config.has_monitor = f.monitor_host.n > 0;
	*ret_f = f;
	*ret_text = TAKE(text);
	return CH_DONE;
}

void witness_file_write(struct wr *w, str name, str listen)
{
	wr_lit(w, "# A witness of logs: docs/LEDGER.md. `chancery log witness DIR` serves it.\n"
		  "\n"
		  "# its name in cosignatures; it never changes, for it is a part of the key\n"
		  "name: ");
	wr_str(w, name);
	wr_lit(w, "\n\n# where logs, or a front with TLS, ask: POST /add-checkpoint\nlisten: ");
	wr_str(w, listen);
	wr_lit(w, "\n\n# metrics; for this host alone\n#monitor: 127.0.0.1:9086\n"
		  "\n"
		  "# whose heads it cosigns: the keys that the logs publish\n"
		  "logs: []\n"
		  "#  - vkey: login.example.com/log+530d903a+Ae…\n");
}
