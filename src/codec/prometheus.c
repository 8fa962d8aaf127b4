/* Prometheus' text format. Pure; names are the caller's own, label values are anybody's. */
#include "codec/prometheus.h"

#include <assert.h>

enum { LABELS_MAX = 5 };

static void put_line(const struct prom *p, const char *word, str name, const char *rest)
{
	wr_str(p->w, str_from_c(word));
	wr_str(p->w, p->prefix);
	wr_str(p->w, name);
	wr_char(p->w, ' ');
	wr_str(p->w, str_from_c(rest));
	wr_char(p->w, '\n');
}

void prom_head(const struct prom *p, str name, const char *type, const char *help)
{
	put_line(p, "# HELP ", name, help);
	put_line(p, "# TYPE ", name, type);
}

static void put_value(struct wr *w, str value)
{
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		if (c == '\\' || c == '"')
			wr_char(w, '\\');
		if (c == '\n')
			wr_lit(w, "\\n");
		else
			wr_char(w, c);
	}
}

static void put_name(const struct prom *p, str name, const char *suffix, struct prom_labels labels)
{
	wr_str(p->w, p->prefix);
	wr_str(p->w, name);
	wr_str(p->w, str_from_c(suffix));
	for (size_t i = 0; i < labels.n; i++) {
		wr_char(p->w, i == 0 ? '{' : ',');
		wr_str(p->w, str_from_c(labels.p[i].name));
		wr_lit(p->w, "=\"");
		put_value(p->w, labels.p[i].value);
		wr_char(p->w, '"');
	}
	wr_str(p->w, labels.n > 0 ? LIT("} ") : LIT(" "));
}

void prom_u64(const struct prom *p, str name, struct prom_labels labels, uint64_t v)
{
	put_name(p, name, "", labels);
	wr_dec(p->w, v);
	wr_char(p->w, '\n');
}

void prom_i64(const struct prom *p, str name, struct prom_labels labels, int64_t v)
{
	put_name(p, name, "", labels);
	if (v < 0)
		wr_char(p->w, '-');
	wr_dec(p->w, v < 0 ? -(uint64_t)v : (uint64_t)v);
	wr_char(p->w, '\n');
}

void prom_one(const struct prom *p, str name, const char *type, const char *help, uint64_t v)
{
	prom_head(p, name, type, help);
	prom_u64(p, name, PROM_NONE, v);
}

void prom_time(struct prom_times *t, const struct prom_bounds *b, uint64_t ns)
{
	size_t i = 0;
	assert(b->n <= PROM_BOUNDS_MAX);
	while (i < b->n && ns > b->ns[i])
		i++;
	t->counts[i]++;
	t->sum_ns += ns;
}

static void put_seconds(struct wr *w, uint64_t ns)
{
	wr_dec(w, ns / 1000000000);
	wr_char(w, '.');
	for (uint64_t unit = 100000000; unit > 0; unit /= 10)
		wr_char(w, (char)('0' + ns / unit % 10));
	wr_char(w, '\n');
}

void prom_times_write(const struct prom *p, str name, struct prom_labels labels,
		      const struct prom_bounds *b, const struct prom_times *t)
{
	struct prom_label all[LABELS_MAX];
	uint64_t sum = 0;
	assert(labels.n < LABELS_MAX);
	for (size_t i = 0; i < labels.n; i++)
		all[i] = labels.p[i];
	for (size_t i = 0; i <= b->n; i++) {
		const char *bound = i < b->n ? b->text[i] : "+Inf";
		all[labels.n] = (struct prom_label){ "le", str_from_c(bound) };
		sum += t->counts[i];
		put_name(p, name, "_bucket", (struct prom_labels){ all, labels.n + 1 });
		wr_dec(p->w, sum);
		wr_char(p->w, '\n');
	}
	put_name(p, name, "_sum", labels);
	put_seconds(p->w, t->sum_ns);
	put_name(p, name, "_count", labels);
	wr_dec(p->w, sum);
	wr_char(p->w, '\n');
}
