/* The authority that `chancery init` makes: three realms, two groups. Constants only;
 * what stands here must pass config_parse (a test writes and reads it back). */
#include "config/config.h"

static const struct role_audience audiences[] = {
	{ { "mail", 4 }, { "https://mail.example", 20 } },
	{ { "api", 3 }, { "https://api.example", 19 } },
};

static void set_realm(struct config_realm *r, str name, str kind, str issuer)
{
	const str scopes[] = { LIT("openid"),         LIT("profile"),   LIT("email"),
			       LIT("offline_access"), LIT("mail.read"), LIT("mail.send") };
	*r = (struct config_realm){
		.name = name,
		.kind = kind,
		.issuer = issuer,
		.issues = true,
		.alg = LIT("ES256"),
		.access_ttl_s = 600,
		.id_ttl_s = 600,
		.code_ttl_s = 60,
		.refresh_ttl_s = CONFIG_REFRESH_TTL_S,
		.refresh_idle_s = CONFIG_REFRESH_IDLE_S,
		.refresh_window_s = CONFIG_REFRESH_WINDOW_S,
		.session_ttl_s = CONFIG_SESSION_TTL_S,
		.session_idle_s = CONFIG_SESSION_IDLE_S,
		.rate_per_s = 50000,
		.n_audiences = COUNT_OF(audiences),
		.n_scopes = COUNT_OF(scopes),
	};
	for (size_t i = 0; i < COUNT_OF(audiences); i++)
		r->audiences[i] = audiences[i];
	for (size_t i = 0; i < COUNT_OF(scopes); i++)
		r->scopes[i] = scopes[i];
}

void config_defaults(struct config *ret_c)
{
	*ret_c = (struct config){
		.secret_memory = SECRETMEM_MEMFD,
		.passphrase_file = LIT("passphrase"),
		.uid_base = 59900,
		.jwks_max_age_s = 300,
		.key_sign_s = CONFIG_KEY_SIGN_S,
		.key_staged_s = CONFIG_KEY_STAGED_S,
		.collector = { .total_mb = CONFIG_COLLECTOR_MB,
			       .keep_days = CONFIG_COLLECTOR_DAYS },
		.log_journal_days = CONFIG_LOG_JOURNAL_DAYS,
		.n_groups = 2,
		.groups = {
			{ .name = LIT("main"), .host = LIT("127.0.0.1"), .port = 8080,
			  .n_realms = 2, .realms = { LIT("home"), LIT("corp") } },
			{ .name = LIT("staff"), .host = LIT("127.0.0.1"), .port = 8081,
			  .n_realms = 1, .realms = { LIT("staff") } },
		},
		.n_realms = 3,
	};
	set_realm(&ret_c->realms[0], LIT("home"), LIT("consumer"),
		  LIT("http://localhost:8080/home"));
	set_realm(&ret_c->realms[1], LIT("corp"), LIT("enterprise"),
		  LIT("http://localhost:8080/corp"));
	set_realm(&ret_c->realms[2], LIT("staff"), LIT("staff"),
		  LIT("http://localhost:8081/staff"));
	ret_c->realms[2].issues = false;
	ret_c->realms[2].dpop = 1;
	ret_c->realms[2].dpop_nonce = true;
}

void gate_file_defaults(struct gate_file *ret_g)
{
	struct gate_file g = { .socket_mode = LIT("0660") };
	g.gate.dpop = (struct gate_dpop){
		.window_s = 60, .skew_s = 5, .nonce_slice_s = 60, .proofs = 65536
	};
	g.gate.cache = (struct gate_cache){ .tokens = 4096, .token_max = 2048 };
	for (size_t i = 0; i < REALMS_MAX; i++) {
		g.gate.issuers[i].skew_s = 5;
		g.gate.issuers[i].max_ttl_s = CONFIG_TTL_MAX_S;
		g.gate.issuers[i].revocations.stale_s = CONFIG_REVOCATIONS_STALE_S;
	}
	for (size_t i = 0; i < LOGS_MAX; i++) {
		g.gate.logs[i].stale_s = CONFIG_LOG_STALE_S;
		g.gate.logs[i].skew_s = 5;
		g.gate.logs[i].witness_stale_s = CONFIG_WITNESS_STALE_S;
	}
	*ret_g = g;
}
