/* The addresses of each realm. Those of a realm that does not issue are not there. */
#include "base/path.h"
#include "people.h"

static struct path paths[ROUTES_MAX];

static void route_add(struct issuer *is, struct realm *m, const char *pattern,
		      enum http_method method, http_serve *serve)
{
	struct path *p = &paths[is->n_routes];
	struct wr w = wr_of(p->p, sizeof(p->p) - 1);
	for (const char *form = pattern; *form; form++) {
		if (*form == '*')
			wr_str(&w, m->config->name);
		else
			wr_char(&w, *form);
	}
	/* what is the same in all realms is one endpoint */
	str all = str_from_c(pattern);
	str name = str_starts(all, LIT("/*/")) ? str_sub(all, 3, all.n)
					       : str_sub(all, 1, all.n - 3);
	is->route_endpoints[is->n_routes] =
		metrics_endpoint(&is->metrics, name, method == HTTP_GET ? LIT("GET") : LIT("POST"));
	is->routes[is->n_routes++] = (struct http_route){ wr_text(&w), method, serve, m };
}

static void log_route_add(struct issuer *is, str path, http_serve *serve)
{
	str name = str_sub(path, 1, path.n);
	is->route_endpoints[is->n_routes] = metrics_endpoint(
		&is->metrics, str_ends(name, LIT("/*")) ? str_sub(name, 0, name.n - 2) : name,
		LIT("GET"));
	is->routes[is->n_routes++] = (struct http_route){ path, HTTP_GET, serve, is };
}

/* No realm is named log. */
static void log_routes_make(struct issuer *is)
{
	if (is->log.folder_fd < 0)
		return;
	log_route_add(is, LIT("/log/checkpoint"), serve_log_checkpoint);
	log_route_add(is, LIT("/log/cosigned/checkpoint"), serve_log_cosigned);
	log_route_add(is, LIT("/log/now"), serve_log_now);
	log_route_add(is, LIT("/log/tile/*"), serve_log_tile);
}

void routes_make(struct issuer *is)
{
	for (size_t i = 0; i < is->config.n_realms; i++) {
		struct realm *m = &is->realms[i];
		if (m->config->issues) {
			route_add(is, m, "/*/token", HTTP_POST, serve_token);
			route_add(is, m, "/*/par", HTTP_POST, serve_par);
			route_add(is, m, "/*/device_authorization", HTTP_POST,
				  serve_device_authorization);
			route_add(is, m, "/*/device", HTTP_GET, serve_device);
			route_add(is, m, "/*/device", HTTP_POST, serve_device_answer);
			route_add(is, m, "/*/introspect", HTTP_POST, serve_introspect);
			route_add(is, m, "/*/revoke", HTTP_POST, serve_revoke);
			route_add(is, m, "/*/revocations", HTTP_GET, serve_revocations);
			route_add(is, m, "/*/userinfo", HTTP_GET, serve_userinfo);
			route_add(is, m, "/*/userinfo", HTTP_POST, serve_userinfo);
			route_add(is, m, "/*/authorize", HTTP_GET, serve_authorize);
			route_add(is, m, "/*/authorize", HTTP_POST, serve_login);
			route_add(is, m, "/*/signin", HTTP_POST, serve_signin);
			route_add(is, m, "/*/account", HTTP_GET, serve_account);
			route_add(is, m, "/*/account", HTTP_POST, serve_account_act);
			route_add(is, m, "/*/logout", HTTP_GET, serve_logout);
			route_add(is, m, "/*/logout", HTTP_POST, serve_logout);
		}
		route_add(is, m, "/*/jwks", HTTP_GET, serve_jwks);
		route_add(is, m, "/*/.well-known/openid-configuration", HTTP_GET, serve_metadata);
		route_add(is, m, "/.well-known/oauth-authorization-server/*", HTTP_GET,
			  serve_metadata);
	}
	log_routes_make(is);
}
