/* What a witness counts, as Prometheus reads it. Origins are of the configuration. */
#include "codec/prometheus.h"
#include "witness_internal.h"

static const char *const results[WITNESS_COUNTS] = {
	[COUNT_COSIGNED] = "cosigned", [COUNT_MALFORMED] = "malformed",
	[COUNT_UNSIGNED] = "unsigned", [COUNT_UNKNOWN] = "unknown_log",
	[COUNT_BEHIND] = "other_size", [COUNT_FORKED] = "fork",
	[COUNT_UNPROVEN] = "unproven", [COUNT_FAILED] = "failed",
};

void witness_metrics(const struct witness *w, struct wr *out)
{
	const struct prom p = { out, LIT("chancery_witness_") };
	prom_head(&p, LIT("requests_total"), "counter",
		  "Heads that were to be cosigned, by result.");
	for (size_t i = 0; i < WITNESS_COUNTS; i++) {
		const struct prom_label l = { "result", str_from_c(results[i]) };
		prom_u64(&p, LIT("requests_total"), (struct prom_labels){ &l, 1 }, w->counts[i]);
	}
	prom_head(&p, LIT("log_size"), "gauge", "Entries of the last head cosigned.");
	for (size_t i = 0; i < w->config.n_logs; i++) {
		const struct prom_label l = { "origin", w->logs[i].origin };
		prom_u64(&p, LIT("log_size"), (struct prom_labels){ &l, 1 }, w->logs[i].size);
	}
	prom_head(&p, LIT("log_cosigned_time_seconds"), "gauge",
		  "When a head was cosigned last, seconds since 1970; 0: never.");
	for (size_t i = 0; i < w->config.n_logs; i++) {
		const struct prom_label l = { "origin", w->logs[i].origin };
		prom_i64(&p, LIT("log_cosigned_time_seconds"), (struct prom_labels){ &l, 1 },
			 w->logs[i].cosigned_s);
	}
}
