/* Writing Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). A family is its head, then
 * all of its samples, before the next one. */
#pragma once
#include "base/rw.h"

#define PROM_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* prefix stands before each name: "chancery_gate_". w turns full when something does not fit. */
struct prom {
	struct wr *w;
	str prefix;
};

/* name is a literal of ours; the value is escaped, whatever it holds. */
struct prom_label {
	const char *name;
	str value;
};

struct prom_labels {
	const struct prom_label *p;
	size_t n;
};
#define PROM_NONE ((struct prom_labels){ NULL, 0 })

/* type: "counter", "gauge" or "histogram". */
void prom_head(const struct prom *p, str name, const char *type, const char *help);
void prom_u64(const struct prom *p, str name, struct prom_labels labels, uint64_t v);
void prom_i64(const struct prom *p, str name, struct prom_labels labels, int64_t v);
/* Head and its only sample, without labels. */
void prom_one(const struct prom *p, str name, const char *type, const char *help, uint64_t v);

/* Durations: n upper bounds, in nanoseconds and as the label says it ("0.005"). */
struct prom_bounds {
	const uint64_t *ns;
	const char *const *text;
	size_t n;
};
enum { PROM_BOUNDS_MAX = 16 };
struct prom_times {
	uint64_t counts[PROM_BOUNDS_MAX + 1]; /* the last: longer than every bound */
	uint64_t sum_ns;
};
void prom_time(struct prom_times *t, const struct prom_bounds *b, uint64_t ns);
/* The samples of one histogram, in seconds; le comes after the labels, of which there are
 * at most four. */
void prom_times_write(const struct prom *p, str name, struct prom_labels labels,
		      const struct prom_bounds *b, const struct prom_times *t);
